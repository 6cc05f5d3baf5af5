SELECT o.id, c.rank FROM orders o JOIN customers c ON o.qty > c.rank AND o.qty < c.rank + 6 ORDER BY o.id, c.rank
