-- Both columns, one value.
UPDATE profiles SET nick = :nick, handle = :nick WHERE id = :id;
