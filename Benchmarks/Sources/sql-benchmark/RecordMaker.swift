/// Records like those of the examples, the same in every run.

import RecordBatch

/// Makes records one after the other.
enum RecordMaker {
    /// Some 150 bytes of JSON each; so many records have one time.
    case weather(sensors: Int, recordsPerMillisecond: Int)
    /// A device's reading, some 45 bytes.
    case devices
    /// Lines of the common log format, some 90 bytes.
    case lines

    /// The first record's time.
    static let start: Int64 = 1_700_000_040_000
    static let recordsPerBatch = 500

    /// The arrival time of the n-th record.
    func time(_ number: Int) -> Int64 {
        switch self {
        case .weather(_, let rate): Self.start + Int64(number / rate)
        case .devices: Self.start + Int64(number / 5)
        case .lines: Self.start + Int64(number / 100)
        }
    }

    /// Appends the text of the n-th record.
    func append(_ number: Int, to text: inout [UInt8]) {
        var random = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
        random = (random ^ (random >> 30)) &* 0xBF58_476D_1CE4_E5B9
        random ^= random >> 27
        switch self {
        case .weather(let sensors, _):
            // Every sensor once before any comes again, in an order that no cache line helps.
            let sensor = sensors == 1000 ? number * 617 % 1000 : number * 617_363 % sensors
            text += Array(
                "{\"sensor_id\":\"s-\(Self.padded(sensor, 8))\",\"station_id\":\"st-\(Self.padded(sensor / 10, 7))\",".utf8)
            text += Array("\"sensor\":\"\(["temp", "hum", "vib", "light"][sensor % 4])\",\"timestamp\":\(time(number)),".utf8)
            let (value, smoothed) = (random % 10_000, random / 10_000 % 1_000_000)
            text += Array("\"value\":0.\(Self.padded(Int(value), 4)),\"value_smoothed\":0.\(Self.padded(Int(smoothed), 6)),".utf8)
            text += Array("\"direction\":\(Int(random >> 60) - 8)}".utf8)
        case .devices:
            let reading = random % 1000 == 0 ? 900 : 20 + random % 30
            text += Array("{\"deviceId\":\"device-\(number % 5)\",\"sensorReading\":\(reading)}".utf8)
        case .lines:
            text += Array("192.168.\(random % 256).\(random / 256 % 256) - user\(random % 1000) [10/Oct/2020:13:55:36 -0700] ".utf8)
            text += Array("\"GET /path/\(random % 10_000)/page.html HTTP/1.1\" 200 \(random % 100_000)".utf8)
        }
    }

    /// The reference table of 1,000 stations.
    static let stations = (0..<1000).map { "s-\(padded($0, 8)),station \($0 % 97)\n" }.joined()

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// The records from one number on as a batch, and how long their texts are.
    func batch(from first: Int, count: Int) throws -> (batch: RecordBatch, bytes: Int) {
        let time = time(first)
        var builder = RecordBatchBuilder(baseTimestamp: time, expectedBytes: count * 180)
        var text: [UInt8] = []
        var bytes = 0
        for number in first..<(first + count) {
            text.removeAll(keepingCapacity: true)
            append(number, to: &text)
            bytes += text.count
            try builder.append(key: nil, value: text, timestamp: time)
        }
        return (try builder.finish(), bytes)
    }
}
