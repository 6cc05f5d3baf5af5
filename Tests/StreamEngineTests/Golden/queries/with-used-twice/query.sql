WITH t AS (SELECT id, qty FROM orders WHERE qty > 0) SELECT a.id AS "x", b.id AS "y" FROM t a JOIN t b ON a.qty = b.qty AND a.id < b.id ORDER BY 1, 2
