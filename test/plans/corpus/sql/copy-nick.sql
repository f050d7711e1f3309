UPDATE profiles SET handle = nick WHERE id IN (
  SELECT id FROM profiles WHERE handle IS DISTINCT FROM nick ORDER BY id LIMIT :batch);
