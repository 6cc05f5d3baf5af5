SELECT o.id, c.name, c.city FROM orders o RIGHT JOIN customers c ON o.name = c.name ORDER BY c.name NULLS FIRST, c.city NULLS FIRST, o.id NULLS FIRST
