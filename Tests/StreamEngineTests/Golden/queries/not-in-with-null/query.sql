SELECT id FROM orders WHERE name NOT IN (SELECT name FROM customers) ORDER BY id
