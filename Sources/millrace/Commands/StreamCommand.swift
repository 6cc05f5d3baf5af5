/// `millrace stream`: create, ls, describe, delete; split and merge are in `StreamReshardCommands`.

import ArgumentParser
import Foundation
import StreamStore

struct StreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream", abstract: "Create, list, describe and delete streams, split and merge their shards.",
        subcommands: [Create.self, List.self, Describe.self, Delete.self, Split.self, Merge.self])

    /// A stream as DescribeStream tells it.
    struct Description: Codable {
        struct Shard: Codable {
            struct HashKeyRange: Codable {
                var StartingHashKey: String
                var EndingHashKey: String
            }
            struct SequenceNumberRange: Codable {
                var StartingSequenceNumber: String
                var EndingSequenceNumber: String?
            }
            var ShardId: String
            var HashKeyRange: HashKeyRange
            var SequenceNumberRange: SequenceNumberRange
            var ParentShardId: String?
            var AdjacentParentShardId: String?
        }
        var StreamName: String
        var StreamARN: String
        var StreamStatus: String
        var RetentionPeriodHours: Int
        var StreamCreationTimestamp: Double
        var Shards: [Shard]
        var HasMoreShards: Bool
        /// Those of ListTagsForStream.
        var Tags: [String: String]?
    }

    /// What can be set for a stream besides its shards: tags, which CreateStream and AddTagsToStream take.
    struct Settings: ParsableArguments {
        enum Compression: String, ExpressibleByArgument, CaseIterable {
            case none, zstd, lz4
        }
        @Option(help: "Compress records that arrive uncompressed: none, zstd or lz4.") var compression: Compression?
        @Option(
            help: ArgumentHelp(
                "Drop the oldest records, even within the retention period, as long as this many bytes stay.",
                discussion:
                    "What goes are whole segments (64 MiB), the oldest of all shards first, so each shard may hold one more.",
                valueName: "bytes"))
        var retentionBytes: Int64?

        func validate() throws {
            if let retentionBytes, retentionBytes < 1 {
                throw ValidationError("--retention-bytes must be 1 or more, not \(retentionBytes).")
            }
        }

        /// Only what was given.
        var tags: [String: String] {
            var tags: [String: String] = [:]
            tags[StreamSettings.compressionTag] = compression?.rawValue
            tags[StreamSettings.retentionBytesTag] = retentionBytes.map { String($0) }
            return tags
        }
    }

    private struct NameRequest: Encodable {
        var StreamName: String
        var Limit: Int?
        var ExclusiveStartShardId: String?
    }

    /// Describes a stream with all its shards.
    static func describe(_ name: String, through client: ServiceClient) async throws(CommandFailure) -> Description {
        struct Answer: Decodable { var StreamDescription: Description }
        var whole: Description?
        while true {
            let request = NameRequest(StreamName: name, Limit: 10_000, ExclusiveStartShardId: whole?.Shards.last?.ShardId)
            let page = try await client.call(.kinesis, "DescribeStream", request, as: Answer.self).StreamDescription
            if whole == nil { whole = page } else { whole?.Shards += page.Shards }
            if !page.HasMoreShards, let whole { return whole }
        }
    }

    /// The tags of a stream, which has no more than one page of them.
    static func tags(_ name: String, through client: ServiceClient) async throws(CommandFailure) -> [String: String] {
        struct Tag: Decodable {
            var Key: String
            var Value: String?
        }
        struct Answer: Decodable { var Tags: [Tag] }
        let answer = try await client.call(.kinesis, "ListTagsForStream", NameRequest(StreamName: name), as: Answer.self)
        return Dictionary(answer.Tags.map { ($0.Key, $0.Value ?? "") }) { $1 }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Create a stream.")
        @Argument(help: "The stream's name.") var name: String?
        @Option(help: "How many shards, 1 or more.") var shards = 1
        @OptionGroup var settings: Settings
        @Option(help: "A CreateStream request as a JSON file, as `aws --cli-input-json` takes it.") var definition: String?

        func validate() throws {
            guard name != nil || definition != nil else { throw ValidationError("Give the stream's name, or --definition FILE.") }
            guard shards >= 1 else { throw ValidationError("--shards must be 1 or more, not \(shards).") }
        }

        @OptionGroup var server: ServerOptions

        func run() async throws {
            let client = server.client
            if let definition {
                let body = try DefinitionFile(path: definition).merging(["StreamName": name], tags: settings.tags)
                do { _ = try await client.send(.kinesis, "CreateStream", body) } catch { throw ServiceClient.failure(error) }
                StandardError.print("Stream created from \(definition).")
            } else if let name {
                struct Request: Encodable {
                    var StreamName: String
                    var ShardCount: Int
                    var Tags: [String: String]?
                }
                // An empty map is refused.
                let tags = settings.tags.isEmpty ? nil : settings.tags
                _ = try await client.call(
                    .kinesis, "CreateStream", Request(StreamName: name, ShardCount: shards, Tags: tags), as: NoAnswer.self)
                StandardError.print("Stream \(name) created.")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the streams.")
        @Option(help: "A table for people, or a form for programs.") var output = ListFormat.table

        struct Row: Listable {
            var StreamName: String
            var StreamStatus: String
            var OpenShardCount: Int
            var RetentionPeriodHours: Int
            /// Nil without a bound.
            var RetentionBytes: Int64?
            var Compression: String
            static let columns = ["NAME", "STATUS", "SHARDS", "RETENTION", "COMPRESSION"]
            var cells: [String] {
                [
                    StreamName, StreamStatus, "\(OpenShardCount)", retentionText(RetentionPeriodHours, RetentionBytes),
                    Compression,
                ]
            }
        }

        @OptionGroup var server: ServerOptions

        func run() async throws {
            struct Request: Encodable {
                var Limit = 10_000
                var ExclusiveStartStreamName: String?
            }
            struct Answer: Decodable {
                var StreamNames: [String]
                var HasMoreStreams: Bool
            }
            struct Summary: Decodable { var StreamDescriptionSummary: RowSource }
            struct RowSource: Decodable {
                var StreamName: String
                var StreamStatus: String
                var OpenShardCount: Int
                var RetentionPeriodHours: Int
            }
            let client = server.client
            var names: [String] = []
            while true {
                let page = try await client.call(
                    .kinesis, "ListStreams", Request(ExclusiveStartStreamName: names.last), as: Answer.self)
                names += page.StreamNames
                if !page.HasMoreStreams || page.StreamNames.isEmpty { break }
            }
            var rows: [Row] = []
            for name in names {
                let found = try await client.call(
                    .kinesis, "DescribeStreamSummary", NameRequest(StreamName: name), as: Summary.self
                ).StreamDescriptionSummary
                let settings = StreamSettings(storedTags: try await StreamCommand.tags(name, through: client))
                rows.append(
                    Row(
                        StreamName: found.StreamName, StreamStatus: found.StreamStatus, OpenShardCount: found.OpenShardCount,
                        RetentionPeriodHours: found.RetentionPeriodHours, RetentionBytes: settings.retentionBytes,
                        Compression: "\(settings.compression)"))
            }
            try ListPrinter.print(rows, as: output)
        }
    }

    struct Describe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Describe a stream and its shards.")
        @Argument(help: "The stream's name.") var name: String
        @Option(help: "Text for people or JSON for programs.") var output = DocumentFormat.table

        struct Row: Listable {
            var ShardId: String
            var range: String
            var first: String
            var state: String
            static let columns = ["SHARD", "HASH KEYS", "FIRST SEQUENCE NUMBER", "STATE"]
            var cells: [String] { [ShardId, range, first, state] }
        }

        @OptionGroup var server: ServerOptions

        func run() async throws {
            let client = server.client
            var description = try await StreamCommand.describe(name, through: client)
            let tags = try await StreamCommand.tags(name, through: client)
            description.Tags = tags
            if output == .json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                print(String(decoding: try encoder.encode(description), as: UTF8.self))
                return
            }
            let settings = StreamSettings(storedTags: tags)
            let retention = retentionText(description.RetentionPeriodHours, settings.retentionBytes)
            print(
                "\(description.StreamName)  \(description.StreamStatus)  retention \(retention)  compression \(settings.compression)  \(description.StreamARN)"
            )
            try ListPrinter.print(
                description.Shards.map { shard in
                    Row(
                        ShardId: shard.ShardId,
                        range: "\(shard.HashKeyRange.StartingHashKey) - \(shard.HashKeyRange.EndingHashKey)",
                        first: shard.SequenceNumberRange.StartingSequenceNumber,
                        state: shard.SequenceNumberRange.EndingSequenceNumber == nil ? "open" : "closed")
                }, as: .table)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a stream and its records.")
        @Argument(help: "The stream's name.") var name: String
        @Flag(help: "Do not ask.") var yes = false

        @OptionGroup var server: ServerOptions

        func run() async throws {
            let client = server.client
            if !yes {
                guard isatty(0) == 1 else {
                    throw CommandFailure(.usage, "Deleting '\(name)' removes its records; say --yes where nobody can be asked.")
                }
                StandardError.print("Delete stream '\(name)' and all its records? Type its name:")
                guard readLine() == name else { throw CommandFailure(.failed, "Not deleted.") }
            }
            _ = try await client.call(.kinesis, "DeleteStream", NameRequest(StreamName: name), as: NoAnswer.self)
            StandardError.print("Stream \(name) deleted.")
        }
    }
}

/// How long, and how much, a stream keeps.
private func retentionText(_ hours: Int, _ bytes: Int64?) -> String {
    bytes.map { "\(hours) h or \($0) bytes" } ?? "\(hours) h"
}
