SELECT id FROM orders WHERE NOT (qty > 0 AND amount > 1) ORDER BY id
