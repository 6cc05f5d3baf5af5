SELECT name, id, rank FROM orders JOIN customers USING (name) ORDER BY id, rank NULLS FIRST
