ALTER TABLE profiles ADD COLUMN handle text;
