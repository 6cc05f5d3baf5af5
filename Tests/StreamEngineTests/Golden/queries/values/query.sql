SELECT column1 AS "a", column2 AS "b" FROM (VALUES (3, 'c'), (1, 'a'), (2, NULL)) AS t (column1, column2) ORDER BY 1
