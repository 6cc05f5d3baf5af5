SELECT id FROM orders WHERE qty IN (3, 100, -2) ORDER BY id
