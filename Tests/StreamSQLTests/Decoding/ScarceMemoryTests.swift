/// Columns under construction while allocations fail.

import CAllocationCount
import CJSONColumns
import Testing

@Suite("Records to columns when memory is short") struct ScarceMemoryTests {
    /// A decoder of two columns of text.
    private static func decoder() -> OpaquePointer? {
        var column = CJSONColumns_column()
        (column.kind, column.is_wanted, column.length) = (CJSONCOLUMNS_TEXT, true, 64)
        let names = Array("ab".utf8)
        return names.withUnsafeBufferPointer { names in
            let members = [0, 1].map { index in
                CJSONColumns_member(
                    object: 0, name: names.baseAddress.map { $0 + index }, name_length: 1, column: Int32(index), child: 0)
            }
            return CJSONColumns_create([column, column], 2, members, 2, 7)
        }
    }

    private static func texts(_ decoder: OpaquePointer, _ column: Int) -> [String] {
        let result = CJSONColumns_column_result(decoder, column)
        return (0..<CJSONColumns_rows(decoder)).map { row in
            let codes = result.is_coded ? result.values?.assumingMemoryBound(to: UInt32.self) : nil
            let index = codes.map { Int($0[row]) } ?? row
            guard let ends = result.ends, let bytes = result.bytes else { return "" }
            let start = index == 0 ? 0 : Int(ends[index - 1])
            return String(decoding: UnsafeBufferPointer(start: bytes + start, count: Int(ends[index]) - start), as: UTF8.self)
        }
    }

    /// Fails the given allocation of a call, if it makes so many.
    private static func scarce<Result>(_ number: UInt, _ call: () -> Result) -> Result {
        fail_allocation_of_this_thread(number)
        defer { fail_allocation_of_this_thread(0) }
        return call()
    }

    /// Appends a record's row; once more when memory was short.
    private static func decode(_ record: [UInt8], _ decoder: OpaquePointer, failing number: UInt) -> Bool {
        let span = CJSONColumns_span(start: 0, length: UInt32(record.count))
        var end = 0
        return record.withUnsafeBufferPointer { record in
            withUnsafePointer(to: span) { span in
                withUnsafeMutablePointer(to: &end) { end in
                    scarce(number) { CJSONColumns_decode(decoder, record.baseAddress, span, 1, end) } == 1
                        || CJSONColumns_decode(decoder, record.baseAddress, span, 1, end) == 1
                }
            }
        }
    }

    /// Appends a row by the calls for single values; once more from the first when memory was short.
    private static func append(_ texts: [[UInt8]], _ decoder: OpaquePointer, failing number: UInt) -> Bool {
        func set(_ column: Int, _ number: UInt) -> Bool {
            texts[column].withUnsafeBufferPointer { text in
                scarce(number) { CJSONColumns_append_text(decoder, column, text.baseAddress, text.count) }
            }
        }
        guard texts.indices.allSatisfy({ set($0, number) }) || texts.indices.allSatisfy({ set($0, 0) }) else { return false }
        CJSONColumns_end_row(decoder)
        return true
    }

    @Test("no text gets into another row when an allocation fails", arguments: [1, 2, 3, 4, 5] as [UInt])
    func texts(number: UInt) throws {
        let decoder = try #require(Self.decoder())
        defer { CJSONColumns_destroy(decoder) }
        var expected: [[String]] = [[], []]
        // So many that dictionaries give way to plain texts on the way; every third row by the calls for single values.
        for row in 0..<9000 {
            let values = ["text \(row)", "\(row % 3 == 0 ? row : 0)"]
            let record = "{\"a\":\"\(values[0])\",\"b\":\"\(values[1])\"}"
            let isAppended =
                row % 3 == 1
                ? Self.append(values.map { Array($0.utf8) }, decoder, failing: number)
                : Self.decode(Array(record.utf8), decoder, failing: number)
            try #require(isAppended)
            for column in 0..<2 { expected[column].append(values[column]) }
        }
        for column in 0..<2 { #expect(Self.texts(decoder, column) == expected[column], "column \(column)") }
    }
}
