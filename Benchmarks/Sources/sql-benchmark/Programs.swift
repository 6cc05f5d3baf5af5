/// The applications that are measured: code, input schema, and the records they are fed.

import Foundation
import StreamEngine
import StreamSQL
import StreamStore

/// A program with its input.
struct BenchmarkProgram {
    enum Name: String, CaseIterable {
        /// The example of Streams/weather: minutes of 1,000 sensors.
        case weather
        /// Every row goes on as it came.
        case pass
        /// A tenth of the rows goes on.
        case filter
        /// The weather application with 1,000,000 sensors, all in one minute.
        case groups
        /// The example of Streams/device-anomaly: a forest of 100 trees of 256 readings.
        case anomaly
        /// Each row with the average of its sensor's last ten seconds, of 1,000 sensors (OVER).
        case sliding
        /// Each row with the one that its sensor gave before, by a join within a window of time.
        case join
        /// Each row with the name of its station, of 1,000 in a reference table.
        case lookup
        /// Lines of a web server's log, taken apart by W3C_LOG_PARSE.
        case w3c
        /// The same by REGEX_LOG_PARSE.
        case regexlog
    }

    let name: Name
    var code: String
    let schema: InputSchema
    let output: String
    let records: RecordMaker
    /// Into how many in-application streams the source's shards are dealt out.
    let parallelism: Int

    /// Reads the examples' files, so it must run at the top of the repository.
    init(_ name: Name, parallelism: Int = 1) throws {
        self.name = name
        self.parallelism = parallelism
        let example = name == .anomaly ? "Streams/device-anomaly/anomaly" : "Streams/weather/weather"
        schema = name == .w3c || name == .regexlog ? Self.lines : try Self.schema(of: example + ".json")
        output = "DESTINATION_SQL_STREAM"
        switch name {
        case .weather, .groups, .anomaly: code = try String(contentsOfFile: example + ".sql", encoding: .utf8)
        case .pass: code = Self.copy(where: "")
        case .filter: code = Self.copy(where: "WHERE \"sensor_value\" >= 0.9")
        case .sliding, .join, .lookup, .w3c, .regexlog: code = Self.operators[name] ?? ""
        }
        switch name {
        case .anomaly: records = .devices
        case .groups: records = .weather(sensors: 1_000_000, recordsPerMillisecond: 50_000)
        case .w3c, .regexlog: records = .lines
        default: records = .weather(sensors: 1000, recordsPerMillisecond: 5)
        }
        if parallelism > 1 { code = Self.joined(code, parallelism, schema) }
    }

    /// A record is a line, whatever is in it.
    private static let lines = InputSchema(
        recordFormat: .init(
            recordFormatType: "CSV", mappingParameters: .init(csv: .init(recordRowDelimiter: "\n", recordColumnDelimiter: "\u{1}"))),
        recordColumns: [.init(name: "line", sqlType: "VARCHAR(512)")])

    private static let operators: [Name: String] = [
        .sliding: """
        CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("sensor_id" VARCHAR(20), "average" DOUBLE);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM"
        SELECT STREAM "sensor_id", AVG("sensor_value") OVER (PARTITION BY "sensor_id" RANGE INTERVAL '10' SECOND PRECEDING)
        FROM "SOURCE_SQL_STREAM_001";
        """,
        .join: """
        CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("sensor_id" VARCHAR(20), "before" DOUBLE, "now" DOUBLE);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM"
        SELECT STREAM a."sensor_id", b."sensor_value", a."sensor_value" FROM "SOURCE_SQL_STREAM_001" AS a
        JOIN "SOURCE_SQL_STREAM_001" OVER (RANGE INTERVAL '0.200' SECOND PRECEDING) AS b ON a."sensor_id" = b."sensor_id";
        """,
        .lookup: """
        CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("name" VARCHAR(20), "sensor_value" DOUBLE);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM"
        SELECT STREAM r."name", s."sensor_value" FROM "SOURCE_SQL_STREAM_001" AS s JOIN "stations" AS r ON s."sensor_id" = r."id";
        """,
        .w3c: """
        CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("host" VARCHAR(64), "request" VARCHAR(256), "status" VARCHAR(8));
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM" SELECT STREAM l.r.COLUMN1, l.r.COLUMN5, l.r.COLUMN6
        FROM (SELECT STREAM W3C_LOG_PARSE("line", 'COMMON') AS r FROM "SOURCE_SQL_STREAM_001") AS l;
        """,
        .regexlog: """
        CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("host" VARCHAR(64), "request" VARCHAR(256), "status" VARCHAR(8));
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM" SELECT STREAM l.r.COLUMN1, l.r.COLUMN2, l.r.COLUMN3
        FROM (SELECT STREAM REGEX_LOG_PARSE("line", '(\\S+) .*"(.*)" (\\d+) .*') AS r FROM "SOURCE_SQL_STREAM_001") AS l;
        """,
    ]

    /// The program over all in-application streams of the source together.
    private static func joined(_ code: String, _ parallelism: Int, _ schema: InputSchema) -> String {
        let columns = schema.recordColumns.map { "\"\($0.name)\" \($0.sqlType)" }.joined(separator: ", ")
        let pumps = (1...parallelism).map { number in
            let name = "SOURCE_SQL_STREAM_" + String(repeating: "0", count: 3 - "\(number)".count) + "\(number)"
            return "CREATE OR REPLACE PUMP \"JOIN_\(number)\" AS INSERT INTO \"JOINED\" SELECT STREAM * FROM \"\(name)\";"
        }
        return "CREATE OR REPLACE STREAM \"JOINED\" (\(columns));\n" + pumps.joined(separator: "\n") + "\n"
            + code.replacing("\"SOURCE_SQL_STREAM_001\"", with: "\"JOINED\"")
    }

    private static func copy(where condition: String) -> String {
        """
        CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("sensor_id" VARCHAR(20), "sensor" VARCHAR(8), "station_id" VARCHAR(16),
            "timestamp" BIGINT, "sensor_value" DOUBLE, "sensor_value_smoothed" DOUBLE, "direction" INTEGER);
        CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
        SELECT STREAM "sensor_id", "sensor", "station_id", "timestamp", "sensor_value", "sensor_value_smoothed", "direction"
        FROM "SOURCE_SQL_STREAM_001" \(condition);
        """
    }

    private static func schema(of path: String) throws -> InputSchema {
        struct Definition: Decodable {
            struct Input: Decodable {
                var schema: InputSchema
                enum CodingKeys: String, CodingKey { case schema = "InputSchema" }
            }
            var inputs: [Input]
            enum CodingKeys: String, CodingKey { case inputs = "Inputs" }
        }
        let definition = try JSONDecoder().decode(Definition.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        guard let input = definition.inputs.first else { throw BenchmarkError("\(path) has no input") }
        return input.schema
    }

    var definition: ApplicationDefinition {
        var definition = ApplicationDefinition(name: "benchmark", code: code, createdMilliseconds: RecordMaker.start)
        definition.inputs = [
            ApplicationInput(
                id: "1.1", namePrefix: "SOURCE_SQL_STREAM", source: .stream(arn: Self.arn("in")), roleARN: nil, schema: schema,
                parallelism: parallelism)
        ]
        definition.outputs = [
            ApplicationOutput(id: "2.1", name: output, destination: .stream(arn: Self.arn("out")), roleARN: nil, format: .json)
        ]
        if name == .lookup {
            definition.references = [
                ApplicationReference(
                    id: "3.1", tableName: "stations", bucketARN: "arn:aws:s3:::b", fileKey: "stations.csv", roleARN: nil,
                    schema: InputSchema(
                        recordFormat: .init(
                            recordFormatType: "CSV",
                            mappingParameters: .init(csv: .init(recordRowDelimiter: "\n", recordColumnDelimiter: ","))),
                        recordColumns: [.init(name: "id", sqlType: "VARCHAR(20)"), .init(name: "name", sqlType: "VARCHAR(20)")]))
            ]
        }
        definition.startNumber = 1
        return definition
    }

    private static func arn(_ stream: String) -> String { "arn:aws:kinesis:us-east-1:000000000000:stream/\(stream)" }
}

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
