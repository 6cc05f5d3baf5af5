WITH big AS (SELECT id, name FROM orders WHERE qty > 2), n AS (SELECT name, COUNT(*) AS c FROM big GROUP BY name) SELECT name, c AS "c" FROM n ORDER BY name NULLS FIRST
