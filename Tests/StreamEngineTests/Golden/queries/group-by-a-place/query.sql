SELECT MOD(id, 5) AS "r", MAX(id) AS "m" FROM orders GROUP BY 1 ORDER BY 1
