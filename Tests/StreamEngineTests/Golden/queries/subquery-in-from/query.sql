SELECT MAX(n) AS "most" FROM (SELECT COUNT(*) AS n FROM orders GROUP BY name) t
