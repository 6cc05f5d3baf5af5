-- A forest for each device, NULL being one: what is ordinary for one is an anomaly in another.
CREATE STREAM OUT1 ("device" VARCHAR(8), "reading" INTEGER, ANOMALY_SCORE DOUBLE);
CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM "device", "reading", ANOMALY_SCORE
FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM "device", "reading" FROM S) PARTITION BY "device", 50, 10));
