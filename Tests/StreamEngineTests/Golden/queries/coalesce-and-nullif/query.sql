SELECT id, COALESCE(note, name, '-') AS "c", NULLIF(qty, 0) AS "q" FROM orders ORDER BY id
