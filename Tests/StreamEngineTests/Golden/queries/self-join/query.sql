SELECT a.id AS "x", b.id AS "y" FROM orders a JOIN orders b ON a.name = b.name AND a.id < b.id ORDER BY 1, 2
