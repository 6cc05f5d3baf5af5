SELECT id FROM orders WHERE qty IS NOT NULL ORDER BY qty * qty, id DESC
