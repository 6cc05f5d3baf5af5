-- At the end of the input rows leave windows by RANGE first, then those by ROWS, not with lower ROWTIMEs; rows that fail then have the event's time.
CREATE STREAM OUT1 (X VARCHAR(4), XV INTEGER, Y VARCHAR(4), YV INTEGER);
CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM X.K, 10 / X.V, Y.K, 10 / Y.V FROM S OVER (RANGE INTERVAL '10' SECOND PRECEDING) AS X FULL JOIN A OVER (ROWS 3 PRECEDING) AS Y ON X.K = Y.K;
