SELECT MOD(id, 4) AS r, MAX(id) AS m FROM orders GROUP BY r ORDER BY r
