SELECT o.id, t.column2 AS "l" FROM orders o JOIN (VALUES (1, 'one'), (5, 'five')) AS t (column1, column2) ON o.id = t.column1 ORDER BY o.id
