SELECT o.id, c.city FROM orders o, customers c WHERE o.name = c.name AND c.rank < 4 AND o.qty IS NOT NULL ORDER BY o.id, c.city NULLS LAST
