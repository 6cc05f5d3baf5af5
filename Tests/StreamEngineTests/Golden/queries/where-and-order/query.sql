SELECT id, amount FROM orders WHERE qty > 0 ORDER BY id
