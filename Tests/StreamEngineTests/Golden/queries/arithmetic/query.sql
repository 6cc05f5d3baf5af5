SELECT id, qty + id AS "a", qty - id AS "b", qty * 2 AS "c", amount / 2 AS "d", -qty AS "e" FROM orders ORDER BY id LIMIT 8
