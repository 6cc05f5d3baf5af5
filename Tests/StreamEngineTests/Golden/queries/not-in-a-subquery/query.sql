SELECT id FROM orders WHERE name NOT IN (SELECT name FROM customers WHERE name IS NOT NULL) ORDER BY id
