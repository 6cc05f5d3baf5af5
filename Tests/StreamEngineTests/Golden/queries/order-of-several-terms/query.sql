SELECT id, name, qty FROM orders ORDER BY name NULLS FIRST, qty DESC NULLS LAST, id
