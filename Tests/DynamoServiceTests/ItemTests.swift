/// Items as bytes, and as large as the service counts them.

import DynamoService
import Testing

@Suite struct ItemTests {
    private static let item: Item = [
        "text".bytes: .string("Grüße".bytes), "empty".bytes: .string([]), "number".bytes: .number(DynamoNumber(-12)),
        "none".bytes: .null,
        "yes".bytes: .bool(true), "blob".bytes: .binary([0, 255]), "texts".bytes: .stringSet(of: ["b".bytes, "a".bytes]),
        "blobs".bytes: .binarySet(of: [[1], []]),
        "deep".bytes: .list([.map(["x".bytes: .list([.number(.zero)])]), .list([])]),
    ]

    @Test func comeBackFromTheirBytes() throws {
        let bytes = ItemCoding.encode(Self.item)
        #expect(bytes[0] == 1)
        #expect(try ItemCoding.decode(bytes) == Self.item)
        #expect(ItemCoding.encode(try ItemCoding.decode(bytes)) == bytes)
    }

    /// Written by the first version; whatever comes later reads it.
    @Test func ofTheFirstVersionAreReadFromItsBytes() throws {
        let bytes: [UInt8] =
            [1, 3, 1, 0x61, 1, 2, 0x68, 0x69, 1, 0x62, 2, 0x81, 12, 0xFF, 0xFF, 1, 0x63, 6, 2, 4, 1, 7, 1, 1, 0x64, 8, 1, 1, 0x78]
        let item: Item = [
            "a".bytes: .string("hi".bytes), "b".bytes: .number(try DynamoNumber("-1.2".bytes)),
            "c".bytes: .list([.bool(true), .map(["d".bytes: .stringSet(of: ["x".bytes])])]),
        ]
        #expect(try ItemCoding.decode(bytes) == item)
        #expect(ItemCoding.encode(item) == bytes)
    }

    @Test func ofALaterVersionAreNotRead() {
        #expect(throws: ItemCoding.Problem.unknownVersion(2)) {
            try ItemCoding.decode([2] + ItemCoding.encode(Self.item).dropFirst())
        }
    }

    @Test func thatAreCutOrAlteredNeverTrap() {
        let bytes = ItemCoding.encode(Self.item)
        for count in 0..<bytes.count {
            #expect(throws: ItemCoding.Problem.self) { try ItemCoding.decode(Array(bytes.prefix(count))) }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var altered = bytes
            for _ in 0...Int.random(in: 0...3, using: &random) {
                altered[Int.random(in: altered.indices, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            _ = try? ItemCoding.decode(altered)
        }
    }

    @Test(arguments: [
        (AttributeValue.string("ab".bytes), 2), (.null, 1), (.bool(false), 1), (.number(.zero), 1), (.number(DynamoNumber(123)), 3),
        (.number(DynamoNumber(-123)), 4), (.number(DynamoNumber(1_000_000)), 2), (.list([]), 3), (.list([.null]), 5),
        (.map(["a".bytes: .null]), 6), (.stringSet(of: ["ab".bytes, "c".bytes]), 3),
    ])
    func areCountedAsTheServiceCounts(value: AttributeValue, size: Int) { #expect(value.size == size) }
}
