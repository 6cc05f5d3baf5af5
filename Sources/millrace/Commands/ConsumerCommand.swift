/// `millrace consumer`: ls, lag, reset, kick, rm of named consumers.

import ArgumentParser
import Foundation

struct ConsumerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consumer", abstract: "List, watch, reset and remove named consumers.",
        discussion: """
            A named consumer keeps how far it has read each shard of a stream, and shares the shards among its members. \
            `millrace tail STREAM --consumer NAME` makes one; programs of your own call RenewLeases and CheckpointLeases.
            """,
        subcommands: [List.self, Lag.self, Reset.self, Kick.self, Remove.self])

    /// One consumer of one stream.
    struct Choice: ParsableArguments {
        @Argument(help: "The stream's name.") var stream: String
        @Argument(help: "The consumer's name.") var consumer: String
    }

    fileprivate struct NameRequest: Encodable {
        var StreamName: String
        var ConsumerName: String
        var MemberName: String?
    }

    struct Summary: Decodable {
        var ConsumerName: String
        var StreamName: String
        var MemberCount: Int
        var LagRecords: Int64
        var LagMilliseconds: Int64
        var StuckSince: Double?
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List named consumers with their lag.")
        @Argument(help: "The stream's name; all streams where none is given.") var stream: String?
        @Option(help: "A table for people, or a form for programs.") var output = ListFormat.table
        @OptionGroup var server: ServerOptions

        struct Row: Listable {
            var stream: String
            var consumer: String
            var members: Int
            var lagRecords: Int64
            var lagSeconds: Double
            var stuckSince: Date?
            static let columns = ["STREAM", "CONSUMER", "MEMBERS", "LAG RECORDS", "LAG SECONDS", "STUCK SINCE"]
            var cells: [String] {
                [stream, consumer, "\(members)", "\(lagRecords)", "\(lagSeconds)", stuckSince?.formatted(.iso8601) ?? ""]
            }
        }

        private struct Request: Encodable {
            var StreamName: String?
            var NextToken: String?
        }

        private struct Answer: Decodable {
            var Consumers: [Summary]
            var NextToken: String?
        }

        func run() async throws {
            var rows: [Row] = []
            var request = Request(StreamName: stream)
            repeat {
                let answer = try await server.client.call(.millrace, "ListNamedConsumers", request, as: Answer.self)
                rows += answer.Consumers.map { consumer in
                    Row(
                        stream: consumer.StreamName, consumer: consumer.ConsumerName, members: consumer.MemberCount,
                        lagRecords: consumer.LagRecords, lagSeconds: Double(consumer.LagMilliseconds) / 1000,
                        stuckSince: consumer.StuckSince.map { Date(timeIntervalSince1970: $0) })
                }
                request.NextToken = answer.NextToken
            } while request.NextToken != nil
            try ListPrinter.print(rows, as: output)
        }
    }

    struct Lag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how far a consumer is behind in each shard, and who reads it.")
        @OptionGroup var choice: Choice
        @Option(help: "A table for people, or a form for programs.") var output = ListFormat.table
        @OptionGroup var server: ServerOptions

        struct Row: Listable {
            var shard: String
            var state: String
            var owner: String?
            var lagRecords: Int64
            var lagSeconds: Double
            var checkpoint: String?
            var checkpointed: Date
            var stuckSince: Date?
            static let columns = [
                "SHARD", "STATE", "OWNER", "LAG RECORDS", "LAG SECONDS", "CHECKPOINTED", "STUCK SINCE", "CHECKPOINT",
            ]
            var cells: [String] {
                [
                    shard, state, owner ?? "", "\(lagRecords)", "\(lagSeconds)", checkpointed.formatted(.iso8601),
                    stuckSince?.formatted(.iso8601) ?? "", checkpoint ?? "",
                ]
            }
        }

        private struct Answer: Decodable {
            struct Shard: Decodable {
                var ShardId: String
                var Owner: String?
                var SequenceNumber: String?
                var CheckpointTimestamp: Double
                var Ended: Bool
                var WaitsForParents: Bool
                var LagRecords: Int64
                var LagMilliseconds: Int64
                var StuckSince: Double?
            }
            struct Consumer: Decodable { var Shards: [Shard] }
            var Consumer: Consumer
        }

        func run() async throws {
            let answer = try await server.client.call(
                .millrace, "DescribeNamedConsumer",
                NameRequest(StreamName: choice.stream, ConsumerName: choice.consumer), as: Answer.self)
            let rows = answer.Consumer.Shards.map { shard in
                Row(
                    shard: shard.ShardId,
                    state: shard.Ended
                        ? "done" : shard.WaitsForParents ? "waits for parents" : shard.Owner == nil ? "free" : "held",
                    owner: shard.Owner, lagRecords: shard.LagRecords, lagSeconds: Double(shard.LagMilliseconds) / 1000,
                    checkpoint: shard.SequenceNumber, checkpointed: Date(timeIntervalSince1970: shard.CheckpointTimestamp),
                    stuckSince: shard.StuckSince.map { Date(timeIntervalSince1970: $0) })
            }
            try ListPrinter.print(rows, as: output)
        }
    }

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a consumer to another position.",
            discussion: "Members that are at work lose their leases, get new ones within a second, and go on from there.")
        @OptionGroup var choice: Choice
        @Option(help: "latest, start, an age such as 10m (s, m, h, d), or a sequence number.") var to: String
        @Flag(help: "Show what it would mean, and do nothing.") var dryRun = false
        @Option(help: "A table for people, or a form for programs.") var output = ListFormat.table
        @OptionGroup var server: ServerOptions

        struct Row: Listable {
            var shard: String
            var skippedRecords: Int64?
            var from: String?
            var to: String?
            static let columns = ["SHARD", "SKIPPED RECORDS", "FROM", "TO"]
            var cells: [String] { [shard, skippedRecords.map { "\($0)" } ?? "", from ?? "", to ?? ""] }
        }

        private struct Position: Codable {
            var type: String
            var sequenceNumber: String?
            var timestamp: Double?
            var shown: String { sequenceNumber ?? "start" }
            enum CodingKeys: String, CodingKey {
                case type = "Type"
                case sequenceNumber = "SequenceNumber"
                case timestamp = "Timestamp"
            }
        }

        private struct Request: Encodable {
            var StreamName: String
            var ConsumerName: String
            var StartingPosition: Position
            var DryRun: Bool
        }

        private struct Answer: Decodable {
            struct Shard: Decodable {
                var ShardId: String
                var From: Position?
                var To: Position
                var SkippedRecords: Int64?
            }
            var Shards: [Shard]
        }

        func validate() throws { _ = try ReadPosition(to) }

        func run() async throws {
            let start = try ReadPosition(to)
            let request = Request(
                StreamName: choice.stream, ConsumerName: choice.consumer,
                StartingPosition: Position(type: start.type, sequenceNumber: start.sequenceNumber, timestamp: start.timestamp),
                DryRun: dryRun)
            let answer = try await server.client.call(.millrace, "ResetNamedConsumer", request, as: Answer.self)
            try ListPrinter.print(
                answer.Shards.map {
                    Row(shard: $0.ShardId, skippedRecords: $0.SkippedRecords, from: $0.From?.shown, to: $0.To.shown)
                }, as: output)
            if dryRun { StandardError.print("Nothing was changed. A negative number of skipped records is read again.") }
        }
    }

    struct Kick: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a member's shards away.",
            discussion:
                "Its checkpoints are refused from now on, and it is told when it says next that it lives; `millrace tail` then ends."
        )
        @OptionGroup var choice: Choice
        @Argument(help: "The member, as `millrace consumer lag` shows it.") var member: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            _ = try await server.client.call(
                .millrace, "KickMember",
                NameRequest(StreamName: choice.stream, ConsumerName: choice.consumer, MemberName: member), as: NoAnswer.self)
            StandardError.print("Member \(member) of \(choice.consumer) was sent away.")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Forget a consumer that has no members, and its positions.")
        @OptionGroup var choice: Choice
        @OptionGroup var server: ServerOptions

        func run() async throws {
            _ = try await server.client.call(
                .millrace, "DeleteNamedConsumer",
                NameRequest(StreamName: choice.stream, ConsumerName: choice.consumer), as: NoAnswer.self)
            StandardError.print("Consumer \(choice.consumer) of \(choice.stream) was removed.")
        }
    }
}
