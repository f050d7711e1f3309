SELECT id FROM profiles WHERE handle IS DISTINCT FROM nick;
