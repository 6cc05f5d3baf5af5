SELECT name, COUNT(*) AS "n", SUM(qty) AS "s" FROM orders GROUP BY name ORDER BY name NULLS FIRST
