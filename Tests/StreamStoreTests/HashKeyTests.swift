/// Hash keys, hash ranges and the choice of a shard.

import Foundation
import StreamStore
import Testing

@Suite struct HashKeyTests {
    @Test(
        "a partition key's hash is its MD5 as a big-endian number",
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"), ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("schlüssel", "2686b00b6f0a6edb9ac2478c78ce72ca"),
        ])
    func partitionKeyHash(key: String, hexadecimal: String) {
        #expect(HashKey.hash(partitionKey: key) == UInt128(hexadecimal, radix: 16))
        let viaBytes = Array(key.utf8).withUnsafeBytes { HashKey.hash(partitionKey: $0) }
        #expect(viaBytes == HashKey.hash(partitionKey: key))
    }

    @Test("the MD5 of RFC 1321's own messages, and of lengths around a block's end")
    func digests() {
        let vectors = [
            ("", "d41d8cd98f00b204e9800998ecf8427e"), ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"), ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"),
            (String(repeating: "1234567890", count: 8), "57edf4a22be3c955ac49da2e2107b67a"),
            (String(repeating: "a", count: 55), "ef1772b6dff9a122358552954ad0df65"),
            (String(repeating: "a", count: 56), "3b0c8ac703f828b04c6c197006d17218"),
            (String(repeating: "a", count: 64), "014842d480b571495a4a0363793f7367"),
        ]
        for (message, digest) in vectors {
            #expect(HashKey.hash(partitionKey: message) == UInt128(digest, radix: 16), "\(message)")
        }
    }

    @Test("many keys at once have the hashes that they have alone, whatever their lengths")
    func manyKeys() {
        var random = SystemRandomNumberGenerator()
        let buffer = (0..<60_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for longest in [0, 1, 30, 55, 56, 64, 256] {
            let keys = (0..<101).map { _ in
                (
                    start: UInt32.random(in: 0...50_000, using: &random),
                    length: UInt32.random(in: 0...UInt32(longest), using: &random)
                )
            }
            buffer.withUnsafeBytes { buffer in
                let alone = keys.map {
                    HashKey.hash(partitionKey: UnsafeRawBufferPointer(rebasing: buffer[Int($0.start)..<Int($0.start + $0.length)]))
                }
                #expect(HashKey.hashes(of: keys, in: buffer) == alone)
            }
        }
        #expect(HashKey.hashes(of: [], in: UnsafeRawBufferPointer(start: nil, count: 0)).isEmpty)
    }

    @Test(
        "N ranges share the hash space without gap or overlap, each floor(2^128 / N) wide but the last",
        arguments: [1, 2, 3, 5, 7, 1000])
    func evenRanges(count: Int) {
        let ranges = HashKeyRange.even(count)
        #expect(ranges.count == count)
        #expect(ranges.first?.start == 0)
        #expect(ranges.last?.end == .max)
        for (before, after) in zip(ranges, ranges.dropFirst()) { #expect(before.end + 1 == after.start) }
        let widths = Set(ranges.dropLast().map { $0.end - $0.start })
        #expect(widths.count <= 1)
    }

    @Test("the ranges of two and of three shards are those that Kinesis gives")
    func knownRanges() {
        let two = HashKeyRange.even(2)
        #expect(two[0].end.description == "170141183460469231731687303715884105727")
        #expect(two[1].start.description == "170141183460469231731687303715884105728")
        #expect(two[1].end.description == "340282366920938463463374607431768211455")
        let three = HashKeyRange.even(3)
        #expect(three[0].end.description == "113427455640312821154458202477256070484")
        #expect(three[1].start.description == "113427455640312821154458202477256070485")
        #expect(three[2].start.description == "226854911280625642308916404954512140970")
        #expect(three[2].end == .max)
    }

    @Test("every key finds the one shard whose range holds it", arguments: [1, 2, 3, 5, 7, 1000])
    func routing(count: Int) {
        let shards = ShardDescription.initial(count: count, createdSecond: 0)
        let routing = ShardRouting(shards)
        for shard in shards {
            #expect(routing.shard(for: shard.hashKeyRange.start) == shard.id)
            #expect(routing.shard(for: shard.hashKeyRange.end) == shard.id)
        }
        for number in 0..<200 {
            let key = HashKey.hash(partitionKey: "key-\(number)")
            #expect(shards.filter { $0.hashKeyRange.contains(key) }.map(\.id) == [routing.shard(for: key)])
        }
    }

    @Test("a closed shard takes no keys; its children take them")
    func closedShards() {
        var shards = ShardDescription.initial(count: 2, createdSecond: 0)
        let parent = shards[0]
        shards[0].endOffset = 17
        let middle = parent.hashKeyRange.end / 2
        let ranges = [
            HashKeyRange(start: 0, end: middle), HashKeyRange(start: middle + 1, end: parent.hashKeyRange.end),
        ]
        for (index, range) in ranges.enumerated() {
            shards.append(
                ShardDescription(
                    id: ShardID(UInt32(2 + index)), hashKeyRange: range, createdSecond: 9, parent: parent.id))
        }
        let routing = ShardRouting(shards)
        #expect(routing.shard(for: 0) == ShardID(2))
        #expect(routing.shard(for: middle) == ShardID(2))
        #expect(routing.shard(for: middle + 1) == ShardID(3))
        #expect(routing.shard(for: .max) == ShardID(1))
        shards.removeLast()
        #expect(ShardRouting(shards).shard(for: middle + 1) == nil)
        #expect(ShardRouting([]).shard(for: 5) == nil)
    }

    @Test("a stream's routing follows its shards")
    func streamRouting() {
        var stream = StreamDescription(
            id: StreamID(1), key: StreamKey("s"), status: .active, createdMilliseconds: 0, mode: .provisioned,
            retentionHours: 24, maxRecordKiB: 1024, tags: [:],
            shards: ShardDescription.initial(count: 1, createdSecond: 0))
        #expect(stream.routing.shard(for: .max) == ShardID(0))
        stream.shards = ShardDescription.initial(count: 4, createdSecond: 0)
        #expect(stream.routing.shard(for: .max) == ShardID(3))
    }

    @Test("an explicit hash key is decimal, without leading zeros, and below 2^128")
    func explicitHashKey() {
        #expect(HashKey.parse(explicit: "0") == .key(0))
        #expect(HashKey.parse(explicit: "340282366920938463463374607431768211455") == .key(.max))
        #expect(HashKey.parse(explicit: "340282366920938463463374607431768211456") == .outOfRange)
        #expect(HashKey.parse(explicit: String(repeating: "9", count: 39)) == .outOfRange)
        for text in ["", "00", "01", "-1", "+1", "1a", " 1", String(repeating: "1", count: 40)] {
            #expect(HashKey.parse(explicit: text) == .malformed)
        }
    }

    @Test(
        "numbers of every length are written as they are, and read alike from texts, parts of texts and texts that do not lie in one piece"
    )
    func everyLength() {
        var random = SystemRandomNumberGenerator()
        for bits in 0...128 {
            for _ in 0..<20 {
                let key = UInt128.random(in: 0 ... .max, using: &random) >> UInt128(128 - bits) | (bits == 0 ? 0 : 1)
                let value = bits == 0 ? 0 : key
                let text = String(value)
                #expect(HashKey.text(value) == text)
                #expect(HashKey.parse(explicit: text) == .key(value))
                #expect(HashKey.parse(explicit: "x\(text)y".dropFirst().dropLast()) == .key(value))
                #expect(HashKey.parse(explicit: NSString(string: text) as String) == .key(value))
            }
        }
    }
}
