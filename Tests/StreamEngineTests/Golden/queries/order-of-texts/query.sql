SELECT id, note FROM orders ORDER BY note NULLS LAST, id
