/// Pages of ranges, both ways, by count and by bytes; how much a range has.

import LatestValues
import StreamStoreTesting
import Testing

@Suite struct PageTests {
    private func table(keys: Int, valueBytes: Int = 10) async throws -> LatestTable {
        let table = try await LatestTable.open("t", store: MemoryStore(), time: FixedTime())
        for start in stride(from: 0, to: keys, by: 100) {
            try await table.update(
                (start..<min(start + 100, keys)).map {
                    LatestChange(name($0), to: [UInt8](repeating: UInt8($0 % 251), count: valueBytes))
                })
        }
        return table
    }

    private func name(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
    private func number(_ key: [UInt8]) -> Int { Int(key[0]) << 8 | Int(key[1]) }

    @Test("pages walk through a range from either end", arguments: [false, true])
    func walk(isDescending: Bool) async throws {
        // More than fit one block of the order.
        let table = try await table(keys: 1_500)
        for (first, last) in [(0, 1_499), (17, 17), (511, 1_040), (300, 299)] {
            var range = KeyRange(from: name(first), to: last == 1_499 ? nil : name(last + 1))
            var found: [Int] = []
            while true {
                let page = try await table.page(in: range, limit: 97, maxBytes: .max, isDescending: isDescending)
                guard let end = page.last else { break }
                #expect(page.entries.last?.key == end)
                found += page.entries.map { number($0.key) }
                range = isDescending ? KeyRange(from: range.start, to: end) : range.after(end)
            }
            let expected = first <= last ? Array(first...last) : []
            #expect(found == (isDescending ? expected.reversed() : expected))
            #expect(table.extent(of: KeyRange(from: name(first), to: name(last + 1))).keys == expected.count)
        }
    }

    @Test("a page holds no more than its bytes, but one entry always")
    func bytes() async throws {
        let table = try await table(keys: 50, valueBytes: 1_000)
        let page = try await table.page(in: KeyRange(), limit: 50, maxBytes: 10_000)
        #expect((8...11).contains(page.entries.count))
        #expect(try await table.page(in: KeyRange(), limit: 50, maxBytes: 1).entries.count == 1)
        #expect(try await table.page(in: KeyRange(), limit: 0, maxBytes: .max).last == nil)
    }

    @Test("the bytes of a large range are worked out from a part of it")
    func extent() async throws {
        let table = try await table(keys: 1_000, valueBytes: 500)
        let (counted, estimated) = (table.extent(of: KeyRange()), table.extent(of: KeyRange(), mostCounted: 100))
        #expect(counted.keys == 1_000 && estimated.keys == 1_000)
        #expect(abs(counted.bytes - estimated.bytes) <= counted.bytes / 20)
        #expect(table.extent(of: KeyRange(from: [9, 9])).keys == 0)
    }
}
