SELECT id FROM orders WHERE amount IS NOT NULL ORDER BY amount, id
