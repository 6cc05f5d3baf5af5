/// `millrace stream split` and `millrace stream merge`: shards end, and others take their hash keys.

import ArgumentParser
import StreamStore

extension StreamCommand {
    struct Split: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Split a shard in two.",
            discussion:
                "Its records stay readable until they are too old; new ones go to the children, by their partition keys' hash.")
        @Argument(help: "The stream's name.") var name: String
        @Argument(help: "The shard, such as shardId-000000000000.") var shard: String
        @Option(
            help: ArgumentHelp("The second child's first hash key; the middle of the shard when not given.", valueName: "hash key"))
        var at: String?

        @OptionGroup var server: ServerOptions

        func run() async throws {
            struct Request: Encodable {
                var StreamName: String
                var ShardToSplit: String
                var NewStartingHashKey: String
            }
            let client = server.client
            let key = if let at { at } else { try await middle(client) }
            _ = try await client.call(
                .kinesis, "SplitShard", Request(StreamName: name, ShardToSplit: shard, NewStartingHashKey: key), as: NoAnswer.self)
            StandardError.print("Shard \(shard) of stream \(name) was split at hash key \(key).")
        }

        private func middle(_ client: ServiceClient) async throws -> String {
            let shards = try await StreamCommand.describe(name, through: client).Shards
            // As lenient as the service: a number will do.
            guard let id = ShardID(shard), let found = shards.first(where: { ShardID($0.ShardId) == id }) else {
                throw CommandFailure(.notFound, "Stream '\(name)' has no shard '\(shard)'.")
            }
            let range = found.HashKeyRange
            guard let start = UInt128(range.StartingHashKey), let end = UInt128(range.EndingHashKey), start <= end else {
                throw CommandFailure(
                    .failed,
                    "The server says that shard '\(shard)' has the hash keys \(range.StartingHashKey) to \(range.EndingHashKey).")
            }
            return HashKey.text(start + (end - start) / 2 + (end == start ? 0 : 1))
        }
    }

    struct Merge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Merge two shards whose hash keys adjoin.",
            discussion: "Their records stay readable until they are too old; new ones go to the child.")
        @Argument(help: "The stream's name.") var name: String
        @Argument(help: "The shard with the lower hash keys.") var shard: String
        @Argument(help: "The shard with the hash keys after those.") var adjacent: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            struct Request: Encodable {
                var StreamName: String
                var ShardToMerge: String
                var AdjacentShardToMerge: String
            }
            _ = try await server.client.call(
                .kinesis, "MergeShards", Request(StreamName: name, ShardToMerge: shard, AdjacentShardToMerge: adjacent),
                as: NoAnswer.self)
            StandardError.print("Shards \(shard) and \(adjacent) of stream \(name) were merged.")
        }
    }
}
