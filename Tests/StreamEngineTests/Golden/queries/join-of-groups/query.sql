SELECT t.name, t.n AS "n", c.city FROM (SELECT name, COUNT(*) AS n FROM orders GROUP BY name) t JOIN customers c ON t.name = c.name ORDER BY t.name, c.city
