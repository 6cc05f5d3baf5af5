WITH orders AS (SELECT name FROM customers) SELECT name FROM orders ORDER BY name NULLS FIRST
