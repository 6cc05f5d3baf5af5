SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM customers c WHERE c.name = o.name AND c.rank > 1) ORDER BY id
