-- A TIME becomes a TIMESTAMP of the current day, and the day is that of each row, not of the first one that is played.
CREATE STREAM A (t TIMESTAMP, u TIMESTAMP);
CREATE PUMP P AS INSERT INTO A SELECT STREAM CAST(TIME '10:00:00' AS TIMESTAMP), TIMESTAMP '2011-07-01 4:03:34' FROM S;
