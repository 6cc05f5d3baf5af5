SELECT COUNT(*) AS "n", MAX(id) AS "m" FROM (SELECT id FROM orders ORDER BY id LIMIT 7) t
