SELECT CASE WHEN qty > 5 THEN 'many' WHEN qty > 0 THEN 'few' WHEN qty IS NULL THEN 'unknown' ELSE 'none' END AS "how", COUNT(*) AS "n" FROM orders GROUP BY 1 ORDER BY 1
