/// `millrace put`: lines of standard input become records.

import ArgumentParser
import Foundation

struct PutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Append lines of standard input to a stream, one record a line.",
        discussion: """
            A record holds the bytes of its line as they are, in whatever encoding, without the line feed. With --whole it holds all of \
            standard input, line feeds and all.
            """)
    @Argument(help: "The stream's name.") var stream: String
    @Flag(help: "Refuse lines that are not JSON.") var json = false
    @Option(help: "Take the partition key from this top-level field of each JSON line (default: a new key for each record).")
    var keyField: String?
    @Flag(help: "Standard input is one record.") var whole = false
    @Flag(help: "Print nothing.") var quiet = false

    /// The largest record that a stream can be made to take, in bytes.
    private static let maxRecordBytes = 10 << 20

    @OptionGroup var server: ServerOptions

    func run() async throws {
        var producer = RecordProducer(stream: stream, client: server.client)
        var reader = LineReader(standardInputUpTo: Self.maxRecordBytes)
        do {
            if whole {
                let data = try reader.rest()
                try await put(data, number: 1, &producer)
            } else {
                while let line = try reader.next() { try await put(line, number: reader.number, &producer) }
            }
        } catch let error as LineReader.TooLong {
            try await producer.flush()
            throw CommandFailure(
                .failed, "line \(error.line): longer than \(error.limit) bytes, the most that a record can hold\(told(producer))")
        }
        try await producer.flush()
        if !quiet { StandardError.print("\(producer.sent) records put.") }
    }

    private func put(_ line: [UInt8], number: Int, _ producer: inout RecordProducer) async throws {
        let key: String
        do throws(CommandFailure) {
            key = try partitionKey(of: line, number: number)
        } catch {
            try await producer.flush()
            throw CommandFailure(error.status, error.message + told(producer))
        }
        do throws(CommandFailure) {
            try await producer.put(line, partitionKey: key)
        } catch {
            throw CommandFailure(
                error.status, "\(error.message)\nThis was met by line \(number); \(producer.sent) records before it were put.")
        }
    }

    private func told(_ producer: RecordProducer) -> String { "; \(producer.sent) records before it were put" }

    /// - Throws: for a line that is not what the options ask for.
    private func partitionKey(of line: [UInt8], number: Int) throws(CommandFailure) -> String {
        let key = "\(number)-\(UInt64.random(in: 0 ... .max))"
        guard json || keyField != nil else { return key }
        guard let object = try? JSONSerialization.jsonObject(with: Data(line), options: [.fragmentsAllowed]) else {
            throw CommandFailure(.failed, "line \(number): not JSON")
        }
        guard let keyField else { return key }
        guard let value = (object as? [String: Any])?[keyField] else {
            throw CommandFailure(.failed, "line \(number): has no field '\(keyField)'")
        }
        let text = "\(value)"
        guard (1...256).contains(text.count) else {
            throw CommandFailure(
                .failed, "line \(number): field '\(keyField)' must have 1 to 256 characters to be a partition key")
        }
        return text
    }
}
