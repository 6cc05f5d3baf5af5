SELECT id, UPPER(note) AS "u", LOWER(note) AS "l", note || '!' AS "x" FROM orders ORDER BY id
