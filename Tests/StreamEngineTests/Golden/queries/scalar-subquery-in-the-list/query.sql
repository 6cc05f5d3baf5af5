SELECT id, qty - (SELECT MIN(qty) FROM orders) AS "d" FROM orders ORDER BY id
