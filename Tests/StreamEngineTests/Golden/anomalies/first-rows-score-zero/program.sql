-- Until the sample is full the score is 0; a row without a value has no score.
CREATE STREAM A (v INTEGER, x DOUBLE, score DOUBLE);
CREATE PUMP P AS INSERT INTO A SELECT STREAM v, x, ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM v, x FROM S), 10, 10));
