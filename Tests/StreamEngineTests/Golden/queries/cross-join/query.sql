SELECT COUNT(*) AS "n" FROM orders CROSS JOIN customers
