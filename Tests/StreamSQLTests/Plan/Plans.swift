/// What the planner's tests share: input streams, the programs of real applications, and short ways to plan.

import StreamSQL

enum Plans {
    /// The weather stations' readings.
    static let weatherInput = StreamSchema(
        name: "SOURCE_SQL_STREAM_001",
        columns: [
            ColumnDefinition("sensor_id", .varchar(16)), ColumnDefinition("sensor", .varchar(8)),
            ColumnDefinition("station_id", .varchar(16)), ColumnDefinition("sensor_value", .double),
            ColumnDefinition("sensor_value_smoothed", .double),
            ColumnDefinition("APPROXIMATE_ARRIVAL_TIME", .timestamp, isHidden: true),
            ColumnDefinition("PARTITION_KEY", .varchar(512), isHidden: true),
        ])

    /// Devices' readings, for the forest.
    static let deviceInput = StreamSchema(
        name: "SOURCE_SQL_STREAM_001",
        columns: [ColumnDefinition("deviceId", .varchar(16)), ColumnDefinition("sensorReading", .integer)])

    /// Columns of every kind.
    static let mixedInput = StreamSchema(
        name: "S",
        columns: [
            ColumnDefinition("A", .integer), ColumnDefinition("B", .varchar(8)), ColumnDefinition("C", .double),
            ColumnDefinition("T", .timestamp), ColumnDefinition("D", .decimal(precision: 5, scale: 2)),
            ColumnDefinition("F", .boolean),
            ColumnDefinition("mixed", .bigint), ColumnDefinition("U", .timestamp),
            ColumnDefinition("APPROXIMATE_ARRIVAL_TIME", .timestamp, isHidden: true),
        ])

    static func weatherProgram(window: String) -> String {
        """
        CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("sensor_id" VARCHAR(16), "sensor" VARCHAR(8), "station_id" VARCHAR(16), \
        "avg_value" DOUBLE, "avg_smoothed" DOUBLE, "60sec_sum_of_sensor_value" DOUBLE, "60sec_number_of_msg" INTEGER, "record_timestamp" TIMESTAMP);
        CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM" SELECT STREAM "sensor_id", "sensor", "station_id", \
        AVG("sensor_value"), AVG("sensor_value_smoothed"),
        SUM("sensor_value") AS "60sec_sum_of_sensor_value", count(*) AS "60sec_number_of_msg", ROWTIME AS "record_timestamp" \
        FROM "SOURCE_SQL_STREAM_001" GROUP BY "sensor_id", "sensor", "station_id",
        \(window);
        """
    }

    static let epochWindow = #"FLOOR(("SOURCE_SQL_STREAM_001".ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 60 TO SECOND)"#
    static let stepWindow = #"STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '60' SECOND)"#

    static let forestProgram = """
        CREATE OR REPLACE STREAM "TEMP_STREAM" ("deviceId" VARCHAR(16), "sensorReading" INTEGER, "ANOMALY_SCORE" DOUBLE);
        CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("deviceId" VARCHAR(16), "sensorReading" INTEGER, "ANOMALY_SCORE" DOUBLE);
        CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "TEMP_STREAM" SELECT STREAM "deviceId", "sensorReading", ANOMALY_SCORE \
        FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 100, 256, 120, 1));
        CREATE OR REPLACE PUMP "OUTPUT_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM" SELECT STREAM * FROM "TEMP_STREAM" \
        WHERE ANOMALY_SCORE > 4 ORDER BY FLOOR("TEMP_STREAM".ROWTIME TO SECOND), ANOMALY_SCORE DESC;
        """

    /// The relation that a query over `mixedInput` becomes when it fills a stream of these columns.
    static func plan(_ query: String, into columns: String) throws -> Relation? {
        try Planner.plan(
            "CREATE STREAM OUT1 (\(columns)); CREATE PUMP P AS INSERT INTO OUT1 \(query);", inputs: [mixedInput]
        ).pumps.first?.query
    }

    /// The expressions that a select list over `mixedInput` becomes, before they are fitted to a stream.
    static func expressions(_ items: String, rest: String = "") throws -> [TypedExpression] {
        let program = try Planner.plan(
            "CREATE VIEW V AS SELECT STREAM \(items) FROM S \(rest); CREATE STREAM OUT1 (X INTEGER); CREATE PUMP P AS INSERT INTO OUT1 SELECT STREAM 1 FROM V",
            inputs: [mixedInput])
        guard case .project(.project(_, let columns, _), _, _)? = program.pumps.first?.query else { return [] }
        return columns.map(\.expression)
    }

    /// The messages with which a program is refused.
    static func errors(_ program: String, inputs: [StreamSchema] = [mixedInput], tables: [StreamSchema] = []) -> [String] {
        do throws(ProgramErrors) {
            _ = try Planner.plan(program, inputs: inputs, tables: tables)
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    /// The message with which a query over `mixedInput` is refused, its place counted from the query's start.
    static func queryError(_ query: String) -> String? { errors(query + ";").first }
}
