SELECT MIN(s) AS "lo", MAX(s) AS "hi", COUNT(*) AS "n" FROM (SELECT name, SUM(amount) AS s FROM orders GROUP BY name) t
