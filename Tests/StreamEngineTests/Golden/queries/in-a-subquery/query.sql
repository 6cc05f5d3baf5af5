SELECT id FROM orders WHERE name IN (SELECT name FROM customers WHERE city = 'Rome') ORDER BY id
