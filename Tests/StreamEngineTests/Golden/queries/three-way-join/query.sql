SELECT a.id AS "x", b.id AS "y", c.city FROM orders a JOIN orders b ON a.id = b.id - 1 LEFT JOIN customers c ON b.name = c.name ORDER BY 1, c.city NULLS FIRST
