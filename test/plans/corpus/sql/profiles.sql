CREATE TABLE profiles (id int PRIMARY KEY, nick text);
