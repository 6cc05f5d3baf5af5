SELECT COUNT(*) AS "n", COUNT(amount) AS "a", COUNT(qty) AS "q", COUNT(name) AS "m" FROM orders
