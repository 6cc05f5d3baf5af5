SELECT k, COUNT(*) AS "n" FROM blank GROUP BY k
