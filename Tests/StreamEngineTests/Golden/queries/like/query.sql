SELECT id, note FROM orders WHERE note LIKE 'X%' OR note LIKE '_y' ORDER BY id
