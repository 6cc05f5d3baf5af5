SELECT name, note, COUNT(*) AS "n" FROM orders GROUP BY name, note ORDER BY name NULLS FIRST, note NULLS FIRST
