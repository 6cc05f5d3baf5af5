-- A row whose result does not fit goes to error_stream, but stays in the windows of those that follow.
CREATE STREAM OUT1 (V BIGINT, TOTAL BIGINT);
CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM V, SUM(V) OVER (ROWS 1 PRECEDING) FROM S;
