SELECT id, (SELECT city FROM customers c WHERE c.name = o.name AND c.rank < 3) AS "c" FROM orders o ORDER BY id
