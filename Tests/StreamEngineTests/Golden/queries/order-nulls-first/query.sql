SELECT id, amount FROM orders ORDER BY amount NULLS FIRST, id
