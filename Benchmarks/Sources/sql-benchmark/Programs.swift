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
        schema = try Self.schema(of: example + ".json")
        output = "DESTINATION_SQL_STREAM"
        switch name {
        case .weather, .groups, .anomaly: code = try String(contentsOfFile: example + ".sql", encoding: .utf8)
        case .pass: code = Self.copy(where: "")
        case .filter: code = Self.copy(where: "WHERE \"sensor_value\" >= 0.9")
        }
        switch name {
        case .anomaly: records = .devices
        case .groups: records = .weather(sensors: 1_000_000, recordsPerMillisecond: 50_000)
        default: records = .weather(sensors: 1000, recordsPerMillisecond: 5)
        }
        if parallelism > 1 { code = Self.joined(code, parallelism, schema) }
    }

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
        definition.startNumber = 1
        return definition
    }

    private static func arn(_ stream: String) -> String { "arn:aws:kinesis:us-east-1:000000000000:stream/\(stream)" }
}

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
