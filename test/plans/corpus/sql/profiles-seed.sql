INSERT INTO profiles VALUES (1, 'ada');
