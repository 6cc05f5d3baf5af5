SELECT MOD(id, 3) AS "r", COUNT(*) AS "n" FROM orders GROUP BY MOD(id, 3) ORDER BY 1
