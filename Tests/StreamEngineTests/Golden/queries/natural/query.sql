SELECT name, id, rank FROM orders NATURAL JOIN customers ORDER BY id, rank NULLS FIRST
