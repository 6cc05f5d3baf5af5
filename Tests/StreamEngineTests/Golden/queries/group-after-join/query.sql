SELECT c.city, SUM(o.amount) AS "t", COUNT(*) AS "n" FROM orders o JOIN customers c ON o.name = c.name GROUP BY c.city ORDER BY c.city NULLS FIRST
