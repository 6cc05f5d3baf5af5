/// Streams, shards and tombstones survive closing and opening the catalog.

import Catalog
import StreamStore
import Testing

@Suite struct CatalogStreamTests {
    private let definition = StreamDefinition(
        key: StreamKey("trades"), shardCount: 3, mode: .onDemand, retentionHours: 48, maxRecordKiB: 2048,
        tags: ["team": "fast \"lane\"", "": "ü"])

    @Test("a stream is read back as it was written, shards and tags included")
    func roundTrip() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            #expect(catalog.isNew)
            let added = try await catalog.addStream(definition, status: .creating, atMilliseconds: 1_700_000_000_123)
            #expect(added.description.shards.map(\.createdSecond) == [1_700_000_000, 1_700_000_000, 1_700_000_000])
            #expect(!added.hasLogs)
            try await catalog.markLogsMade([added.description.id])
            await catalog.close()

            let again = try await Catalog.open(path: path)
            #expect(!again.isNew)
            let stream = try #require(try await again.load().streams.first)
            #expect(stream.hasLogs)
            #expect(stream.statusChangedMilliseconds == 1_700_000_000_123)
            let description = stream.description
            #expect(description.id == added.description.id)
            #expect(description.key == definition.key)
            #expect(description.status == .creating)
            #expect(description.createdMilliseconds == 1_700_000_000_123)
            #expect(description.mode == .onDemand)
            #expect(description.retentionHours == 48)
            #expect(description.maxRecordKiB == 2048)
            #expect(description.tags == definition.tags)
            #expect(description.shards == added.description.shards)
            await again.close()
        }
    }

    @Test("an update replaces a stream's fields and shards; a shard that is left out becomes a tombstone")
    func update() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            var stream = try await catalog.addStream(definition, status: .active, atMilliseconds: 5_000)
            stream.description.status = .updating
            stream.statusChangedMilliseconds = 6_000
            stream.description.retentionHours = 72
            stream.description.tags = [:]
            stream.description.shards[1].endOffset = 99
            let dropped = stream.description.shards.removeFirst()
            stream.description.shards.append(
                ShardDescription(
                    id: ShardID(3), hashKeyRange: dropped.hashKeyRange, createdSecond: 6, parent: ShardID(0),
                    adjacentParent: ShardID(1)))
            try await catalog.update(stream)
            let contents = try await catalog.load()
            let loaded = try #require(contents.streams.first)
            #expect(loaded.description.status == .updating)
            #expect(loaded.statusChangedMilliseconds == 6_000)
            #expect(loaded.description.retentionHours == 72)
            #expect(loaded.description.tags == [:])
            #expect(loaded.description.shards == stream.description.shards)
            #expect(contents.removedShards == [ShardReference(stream.description.id, ShardID(0))])
            await catalog.close()
        }
    }

    @Test("tags are replaced, and nothing else of the stream or of another one")
    func tags() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            let stream = try await catalog.addStream(definition, status: .active, atMilliseconds: 5_000)
            var other = definition
            other.key.name = "other"
            _ = try await catalog.addStream(other, status: .active, atMilliseconds: 5_000)
            try await catalog.setTags(["millrace:compression": "zstd"], of: stream.description.id)
            await catalog.close()
            let again = try await Catalog.open(path: path)
            let streams = try await again.load().streams.map(\.description)
            #expect(streams.map(\.tags) == [["millrace:compression": "zstd"], definition.tags])
            #expect(streams[0].shards == stream.description.shards)
            #expect(streams[0].retentionHours == 48 && streams[0].status == .active)
            await again.close()
        }
    }

    @Test("hash ranges of any number of shards come back to the bit")
    func hashRanges() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            for count in [1, 2, 3, 7, 1_000] {
                var definition = definition
                definition.key.name = "of \(count)"
                definition.shardCount = count
                _ = try await catalog.addStream(definition, status: .active, atMilliseconds: 5_000)
            }
            for stream in try await catalog.load().streams {
                #expect(stream.description.shards.map(\.hashKeyRange) == HashKeyRange.even(stream.description.shards.count))
                #expect(stream.description.shards.map(\.id.index) == Array(0..<UInt32(stream.description.shards.count)))
                #expect(stream.description.openShardCount == stream.description.shards.count)
            }
            await catalog.close()
        }
    }

    @Test("a removed stream leaves tombstones until they are forgotten, and its number is never given again")
    func removal() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            let first = try await catalog.addStream(definition, status: .active, atMilliseconds: 1)
            try await catalog.removeStream(first.description.id)
            await catalog.close()

            let again = try await Catalog.open(path: path)
            let shards = Set(first.description.shards.map { ShardReference(first.description.id, $0.id) })
            var contents = try await again.load()
            #expect(contents.streams.isEmpty)
            #expect(contents.removedShards == shards)
            try await again.forgetRemoved(Array(shards))
            contents = try await again.load()
            #expect(contents.removedShards.isEmpty)
            let second = try await again.addStream(definition, status: .active, atMilliseconds: 2)
            #expect(second.description.id > first.description.id)
            await again.close()
        }
    }

    @Test("reserved numbers are not given to new streams, in a new catalog and in a used one")
    func reserve() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            try await catalog.reserveStreamIDs(through: StreamID(41))
            var stream = try await catalog.addStream(definition, status: .active, atMilliseconds: 1)
            #expect(stream.description.id == StreamID(42))
            try await catalog.reserveStreamIDs(through: StreamID(7))
            try await catalog.removeStream(stream.description.id)
            stream = try await catalog.addStream(definition, status: .active, atMilliseconds: 1)
            #expect(stream.description.id == StreamID(43))
            await catalog.close()
        }
    }

    @Test("one name lives once in a namespace, and once in each")
    func names() async throws {
        try await withCatalogFile { path in
            let catalog = try await Catalog.open(path: path)
            for namespace in StreamNamespace.allCases {
                var definition = definition
                definition.key.namespace = namespace
                _ = try await catalog.addStream(definition, status: .active, atMilliseconds: 1)
                await #expect(throws: CatalogError.self) {
                    _ = try await catalog.addStream(definition, status: .active, atMilliseconds: 1)
                }
            }
            #expect(try await catalog.load().streams.count == StreamNamespace.allCases.count)
            await catalog.close()
        }
    }
}
