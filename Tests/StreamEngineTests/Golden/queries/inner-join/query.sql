SELECT o.id, c.city FROM orders o JOIN customers c ON o.name = c.name ORDER BY o.id, c.city NULLS FIRST
