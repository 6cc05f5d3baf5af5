-- One row a device for every ten seconds.
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (
   "deviceId"       VARCHAR(16),
   "readings"       BIGINT,
   "average"        DOUBLE,
   "total"          BIGINT,
   "window_end"     TIMESTAMP);

CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "deviceId", COUNT(*), AVG(CAST("sensorReading" AS DOUBLE)), SUM("sensorReading"), ROWTIME
FROM "SOURCE_SQL_STREAM_001"
GROUP BY "deviceId", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' SECOND);
