SELECT SUM(qty) AS "s", MIN(qty) AS "lo", MAX(qty) AS "hi", SUM(amount) AS "t", AVG(amount) AS "v", MIN(name) AS "a", MAX(name) AS "z" FROM orders
