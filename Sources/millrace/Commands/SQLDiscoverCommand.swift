/// `millrace sql discover`: guesses the InputSchema of a stream from its records.

import ArgumentParser
import Foundation

struct SQLDiscoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover", abstract: "Guess the input schema of a stream from its records.",
        discussion: """
            Prints an InputSchema as JSON, to be put into a CreateApplication request; the first rows as it reads them go to standard error. \
            Exit status 1 when the records have no form that can be told, 3 when there is no such stream.
            """)
    @Argument(help: "The stream.") var stream: String
    @Option(help: "Which records to look at: start (the oldest) or now (what comes within ten seconds).") var from = "start"

    private static let positions = ["now": "NOW", "start": "TRIM_HORIZON"]

    func validate() throws {
        guard Self.positions[from] != nil else { throw ValidationError("--from takes start or now, not '\(from)'.") }
    }

    private struct StreamRequest: Encodable { var StreamName: String }
    private struct Summary: Decodable {
        struct Fields: Decodable { var StreamARN: String }
        var StreamDescriptionSummary: Fields
    }

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let found = try await Self.discover(stream, from: Self.positions[from] ?? "TRIM_HORIZON", server.client)
        for row in found.rows.prefix(Self.shownRows) { StandardError.print(row.map { $0 ?? "NULL" }.joined(separator: "  ")) }
        StandardOutput.write(found.schema + [UInt8(ascii: "\n")])
    }

    private static let shownRows = 5

    /// What the server makes of a stream's records: an InputSchema as JSON, and some rows.
    static func discover(
        _ stream: String, from position: String, _ client: ServiceClient
    ) async throws -> (schema: Data, rows: [[String?]]) {
        let arn = try await client.call(.kinesis, "DescribeStreamSummary", StreamRequest(StreamName: stream), as: Summary.self)
            .StreamDescriptionSummary.StreamARN
        let request: [String: Any] = [
            "ResourceARN": arn, "InputStartingPositionConfiguration": ["InputStartingPosition": position],
        ]
        let answer: Data
        do {
            answer = try await client.send(.analytics, "DiscoverInputSchema", JSONSerialization.data(withJSONObject: request))
        } catch {
            throw ServiceClient.failure(error)
        }
        guard let object = try? JSONSerialization.jsonObject(with: answer) as? [String: Any], let schema = object["InputSchema"],
            let text = try? JSONSerialization.data(
                withJSONObject: schema, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        else { throw CommandFailure(.failed, "the server answered without an InputSchema") }
        return (text, (object["ParsedInputRecords"] as? [[Any]] ?? []).map { $0.map { $0 as? String } })
    }
}
