/// `millrace put`: lines of standard input become records.

import ArgumentParser
import Foundation

struct PutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Append lines of standard input to a stream, one record a line.")
    @Argument(help: "The stream's name.") var stream: String
    @Flag(help: "Refuse lines that are not JSON.") var json = false
    @Option(help: "Take the partition key from this top-level field of each JSON line (default: a new key for each record).")
    var keyField: String?
    @Flag(help: "Print nothing.") var quiet = false

    func run() async throws {
        var producer = RecordProducer(stream: stream, client: ServiceClient())
        var number = 0
        while let line = readLine() {
            number += 1
            var key = "\(number)-\(UInt64.random(in: 0 ... .max))"
            if json || keyField != nil {
                guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8), options: [.fragmentsAllowed]) else {
                    try await producer.flush()
                    throw CommandFailure(.failed, "line \(number): not JSON")
                }
                if let keyField {
                    guard let value = (object as? [String: Any])?[keyField] else {
                        try await producer.flush()
                        throw CommandFailure(.failed, "line \(number): has no field '\(keyField)'")
                    }
                    key = "\(value)"
                    guard (1...256).contains(key.count) else {
                        try await producer.flush()
                        throw CommandFailure(
                            .failed, "line \(number): field '\(keyField)' must have 1 to 256 characters to be a partition key")
                    }
                }
            }
            do throws(CommandFailure) {
                try await producer.put(DemoRecord(partitionKey: key, data: line))
            } catch {
                throw CommandFailure(
                    error.status, "\(error.message)\nThis was met by line \(number); \(producer.sent) records before it were put.")
            }
        }
        try await producer.flush()
        if !quiet { StandardError.print("\(producer.sent) records put.") }
    }
}
