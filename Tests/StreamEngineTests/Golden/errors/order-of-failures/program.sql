-- Rows of error_stream are in the order of events, whichever pump they come from.
CREATE STREAM A (v INTEGER);
CREATE STREAM B (v INTEGER);
CREATE PUMP P1 AS INSERT INTO A SELECT STREAM 1 / v FROM S;
CREATE PUMP P2 AS INSERT INTO B SELECT STREAM 1 / (v - 1) FROM S WHERE 1 / v < 2;
