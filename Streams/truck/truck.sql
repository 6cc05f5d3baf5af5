-- A freezer truck reports twice a second. Ten-second averages for the dashboard, and an alarm when a reading is unlike the last half hour.
CREATE OR REPLACE STREAM "AVERAGES" (
   "volts" DOUBLE, "temp" DOUBLE, "readings" BIGINT, "window_end" TIMESTAMP);

CREATE OR REPLACE PUMP "AVERAGES_PUMP" AS INSERT INTO "AVERAGES"
SELECT STREAM AVG("volts"), AVG("temp"), COUNT(*), ROWTIME
FROM "SOURCE_SQL_STREAM_001"
GROUP BY STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' SECOND);

CREATE OR REPLACE STREAM "SCORED" ("centivolts" DOUBLE, "temp" DOUBLE, ANOMALY_SCORE DOUBLE);

-- The forest does no scaling: in hundredths of a volt, a sag of 0.1 V weighs as much as ten degrees.
CREATE OR REPLACE PUMP "SCORE_PUMP" AS INSERT INTO "SCORED"
SELECT STREAM "centivolts", "temp", ANOMALY_SCORE
FROM TABLE(RANDOM_CUT_FOREST(
   CURSOR(SELECT STREAM "volts" * 100 AS "centivolts", "temp" FROM "SOURCE_SQL_STREAM_001"), 100, 256, 3600, 1));

CREATE OR REPLACE STREAM "ALARMS" ("volts" DOUBLE, "temp" DOUBLE, ANOMALY_SCORE DOUBLE);

CREATE OR REPLACE PUMP "ALARM_PUMP" AS INSERT INTO "ALARMS"
SELECT STREAM "centivolts" / 100, "temp", ANOMALY_SCORE FROM "SCORED" WHERE ANOMALY_SCORE > 2;
