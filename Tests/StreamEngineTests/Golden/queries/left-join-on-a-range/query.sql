SELECT o.id, c.rank FROM orders o LEFT JOIN customers c ON o.qty BETWEEN c.rank AND c.rank + 2 ORDER BY o.id, c.rank NULLS FIRST
