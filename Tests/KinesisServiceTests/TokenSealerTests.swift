/// Tokens open as long as the secret is the same, whatever sealed them.

import AWSWire
import KinesisService
import StreamStore
import Testing

@Suite struct TokenSealerTests {
    private let sealer = TokenSealer(secret: Array("a secret of the node".utf8))

    @Test("what was sealed opens; no two seals are equal", arguments: [0, 1, 16, 100])
    func roundTrip(count: Int) throws {
        let bytes = (0..<count).map { UInt8($0) }
        let (one, two) = (try sealer.seal(bytes, for: .shardIterator), try sealer.seal(bytes, for: .shardIterator))
        #expect(one != two)
        #expect(try sealer.open(one, for: .shardIterator) == bytes)
        #expect(try sealer.open(two, for: .shardIterator) == bytes)
    }

    @Test("a changed token, one for another purpose, one of another secret and what is none do not open")
    func refusals() throws {
        let token = try sealer.seal([1, 2, 3], for: .shardIterator)
        let sealed = try #require(Base64.decode(token))
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            expectRefusal(Base64.encode(changed), sealer)
        }
        #expect(throws: TokenSealer.Failure.invalid) { try sealer.open(token, for: .shardsPage) }
        expectRefusal(token, TokenSealer(secret: [1]))
        for text in ["", "no base64!", Base64.encode([UInt8](repeating: 0, count: 27)), Base64.encode(Array(sealed.prefix(20)))] {
            expectRefusal(text, sealer)
        }
    }

    @Test(
        "iterators have a code of their own: changed ones, of another secret, and those that are none do not open; those of before do"
    )
    func iterators() throws {
        let iterators = sealer.iterators
        for count in [0, 1, 16, 200] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            let (one, two) = (try iterators.seal(bytes), try iterators.seal(bytes))
            #expect(one != two && iterators.open(one) == bytes && iterators.open(two) == bytes)
            let sealed = try #require(Base64.decode(one))
            for index in sealed.indices {
                var changed = sealed
                changed[index] ^= 0x80
                #expect(iterators.open(Base64.encode(changed)) == nil)
            }
            #expect(iterators.open(Base64.encode(sealed.dropLast())) == nil)
            #expect(TokenSealer(secret: [1]).iterators.open(one) == nil)
        }
        for text in ["", "no base64!", Base64.encode([UInt8](repeating: 0, count: 23))] { #expect(iterators.open(text) == nil) }
        let iterator = ShardIterator(
            streamName: "s", shard: ShardReference(StreamID(1), ShardID(2)), offset: 3, createdMilliseconds: 4)
        #expect(try ShardIterator(try iterator.sealed(sealer), sealer, now: 5) == iterator)
        let bytes = try #require(iterators.open(try iterator.sealed(sealer)))
        let rest = Array(bytes.dropFirst())
        #expect(try ShardIterator(try sealer.seal(rest, for: .shardIterator), sealer, now: 5) == iterator)
        // One that another version made is as good as expired.
        #expect {
            try ShardIterator(try iterators.seal([2] + rest), sealer, now: 5)
        } throws: { error in
            (error as? AWSError)?.name == .expiredIterator
        }
    }

    private func expectRefusal(_ text: String, _ sealer: TokenSealer) {
        #expect(throws: TokenSealer.Failure.invalid) { try sealer.open(text, for: .shardIterator) }
    }

    /// HKDF and AES-GCM by another library (Python's cryptography), with a nonce of the bytes 0 to 11.
    @Test("tokens that earlier versions sealed open, and those of another layout are told from changed ones")
    func earlier() throws {
        #expect(try sealer.open("AAECAwQFBgcICQoLfIyyGOgrc4wB0xc4gPTma4Kyqe1tRIk=", for: .streamsPage) == Array("page 7".utf8))
        #expect(throws: TokenSealer.Failure.otherVersion(2)) {
            try sealer.open("AAECAwQFBgcICQoLf4yyGOgrcxMKMoY/OD7pM5fuXlnn4B8=", for: .streamsPage)
        }
    }
}
