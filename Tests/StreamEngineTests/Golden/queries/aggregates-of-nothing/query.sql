SELECT COUNT(*) AS "n", SUM(v) AS "s", MIN(k) AS "lo", AVG(CAST(v AS DOUBLE)) AS "a" FROM blank
