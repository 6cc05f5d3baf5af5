SELECT o.id, c.city FROM orders o FULL JOIN customers c ON o.name = c.name AND o.qty > 0 ORDER BY o.id NULLS LAST, c.city NULLS FIRST
