-- Without directionality there is no DIRECTION; a column's part is its sum over the shingle. Names are escaped as JSON asks.
CREATE STREAM OUT1 ("name" VARCHAR(8), SCORE DOUBLE, EXPLANATION VARCHAR(200));
CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM "level", ANOMALY_SCORE, ANOMALY_EXPLANATION
FROM TABLE(RANDOM_CUT_FOREST_WITH_EXPLANATION(CURSOR(SELECT STREAM "level", "Systolic" AS "the ""upper"" one" FROM S), 20, 10, 100, 3));
