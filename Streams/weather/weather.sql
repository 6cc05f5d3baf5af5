-- Each sensor's minute, as its owners wrote it for Kinesis Data Analytics in 2016.
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (
   "sensor_id"                 VARCHAR(16),
   "sensor"                    VARCHAR(8),
   "station_id"                VARCHAR(16),
   "avg_value"                 DOUBLE,
   "avg_value_smoothed"        DOUBLE,
   "60sec_sum_of_sensor_value" DOUBLE,
   "60sec_number_of_msg"       BIGINT,
   "record_timestamp"          TIMESTAMP);

CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "sensor_id", "sensor", "station_id",
   AVG("sensor_value"), AVG("sensor_value_smoothed"),
   SUM("sensor_value") AS "60sec_sum_of_sensor_value",
   count(*) AS "60sec_number_of_msg",
   ROWTIME AS "record_timestamp"
FROM "SOURCE_SQL_STREAM_001"
GROUP BY "sensor_id", "sensor", "station_id",
   FLOOR(("SOURCE_SQL_STREAM_001".ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 60 TO SECOND);
