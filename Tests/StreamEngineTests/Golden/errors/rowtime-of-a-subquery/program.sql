-- ROWTIME may not fall in a subquery either: the row goes to error_stream, and does not tear a window in two.
CREATE STREAM A (n BIGINT, total BIGINT);
CREATE PUMP P AS INSERT INTO A SELECT STREAM COUNT(*), SUM(v) FROM (SELECT STREAM t AS ROWTIME, v FROM S) AS e GROUP BY FLOOR(e.ROWTIME TO MINUTE);
