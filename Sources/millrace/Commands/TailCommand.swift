/// `millrace tail`: prints a stream's records as they come.

import ArgumentParser
import Foundation

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Print a stream's records as they come.",
        discussion: """
            Follows all shards until interrupted, or until --limit records were printed. Where a shard was split or merged, its children \
            are read after it, so that records with one partition key come in their order.

            --format data writes each record's bytes as they are, and a line feed after each that is text and does not end with one. \
            --format record is for people: data that is not text stands there as base64:... . With --output ndjson a record is an object \
            with Data where its data is UTF-8, and with DataBase64 where it is not.

            With --consumer the server keeps how far has been printed, and several processes with the same name share the shards: each             record is printed by one of them, in the order of its partition key, and again only where a process ended, or was held up \
            for longer than --lease, before the server knew that it had printed it. --from then says where a consumer begins that there is not yet.
            """)
    @Argument(help: "The stream's name.") var stream: String
    @Option(help: "latest, start, an age such as 10m (s, m, h, d), or a sequence number.") var from = "latest"
    @Option(help: "Go on where the consumer of this name is; see `millrace consumer`.") var consumer: String?
    @Option(help: "How long a process of the consumer may be silent before others take over, in seconds; of a new consumer.")
    var lease = 10
    @Option(help: "Stop after this many records.") var limit: Int?
    @OptionGroup var printing: RecordPrinting

    func validate() throws {
        _ = try ReadPosition(from)
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more, not \(limit).") }
        if !(1...3600).contains(lease) { throw ValidationError("--lease takes 1 to 3600 seconds, not \(lease).") }
    }

    @OptionGroup var server: ServerOptions

    func run() async throws {
        if let consumer { return try await tail(as: consumer) }
        var follower = try await StreamFollower(stream, from: try ReadPosition(from), server.client)
        var left = limit ?? .max
        while left > 0, !follower.isAtEnd {
            let round = try await follower.read(atMost: left) { shard, records in
                for record in records { try printing.write(record, of: shard) }
            }
            left -= round.records
            if !round.goesOn, !follower.isAtEnd { try await Task.sleep(for: StreamFollower.pause) }
        }
    }

    /// As a member of a named consumer, until interrupted or the limit is reached; then the shards go to the others at once.
    private func tail(as consumer: String) async throws {
        var member = ConsumerMember(
            of: consumer, on: stream, from: try ReadPosition(from), leaseSeconds: lease, server.client)
        let interruption = Interruption()
        var left = limit ?? .max
        while left > 0, !interruption.hasCome {
            let records = try await member.read(atMost: left) { shard, records in
                for record in records { try printing.write(record, of: shard) }
            }
            left -= records
            if records == 0 { try await Task.sleep(for: StreamFollower.pause) }
        }
        try await member.leave()
        if interruption.hasCome { throw ExitCode(ExitStatus.interrupted.rawValue) }
    }
}

/// `millrace cat`: prints the records that a stream has, and stops.
struct CatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat", abstract: "Print the records that a stream has now, and stop.",
        discussion: "As `millrace tail --from start`, to the end that each shard has when it is reached.")
    @Argument(help: "The stream's name.") var stream: String
    @Option(help: "start, an age such as 10m (s, m, h, d), or a sequence number.") var from = "start"
    @Option(help: "Stop after this many records.") var limit: Int?
    @OptionGroup var printing: RecordPrinting

    func validate() throws {
        _ = try ReadPosition(from)
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more, not \(limit).") }
    }

    @OptionGroup var server: ServerOptions

    func run() async throws {
        var follower = try await StreamFollower(stream, from: try ReadPosition(from), stopsAtTips: true, server.client)
        var left = limit ?? .max
        while left > 0, !follower.isAtEnd {
            left -= try await follower.read(atMost: left) { shard, records in
                for record in records { try printing.write(record, of: shard) }
            }.records
        }
    }
}
