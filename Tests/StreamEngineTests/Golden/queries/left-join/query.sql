SELECT o.id, c.city FROM orders o LEFT JOIN customers c ON o.name = c.name ORDER BY o.id, c.city NULLS FIRST
