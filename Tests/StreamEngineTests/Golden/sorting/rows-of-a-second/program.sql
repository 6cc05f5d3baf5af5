-- As in AWS's anomaly sample. All rows of the second leave with the latest ROWTIME among them.
CREATE STREAM A (k VARCHAR(4), v INTEGER);
CREATE PUMP P AS INSERT INTO A SELECT STREAM k, v FROM S ORDER BY FLOOR(S.ROWTIME TO SECOND), v DESC;
