SELECT id FROM orders WHERE qty > 50 OR amount > 5 ORDER BY id
