/// The bytes of snapshots: fixed-width little-endian words, byte strings and columns.

import StableHash
import StreamSQL

/// Writes state.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: UInt8) { bytes.append(value) }
    mutating func write(_ value: Int64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    mutating func write(count: Int) { write(Int64(count)) }
    mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func write(_ value: Int64?) {
        write(value != nil)
        if let value { write(value) }
    }

    mutating func write(_ value: some Collection<UInt8>) {
        write(count: value.count)
        bytes.append(contentsOf: value)
    }

    /// Appends what another writer has.
    mutating func write(piece: StateWriter) { bytes.append(contentsOf: piece.bytes) }

    /// Words of eight bytes, as they lie in the memory of a little-endian machine.
    private mutating func write<Word: BitwiseCopyable>(words: [Word], _ bits: (Word) -> Int64) {
        write(count: words.count)
        guard Int(littleEndian: 1) == 1 else {
            for word in words { write(bits(word)) }
            return
        }
        words.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ column: Column) {
        switch column.values {
        case .booleans(let values):
            write(UInt8(0))
            write(count: values.count)
            for value in values { write(value) }
        case .integers(let values):
            write(UInt8(1))
            write(words: values) { $0 }
        case .doubles(let values):
            write(UInt8(2))
            write(words: values) { Int64(bitPattern: $0.bitPattern) }
        case .bytes(let coded):
            write([coded.plain])
        }
        write(column.nulls != nil)
        for null in column.nulls ?? [] { write(null) }
    }

    /// A column of texts without NULLs that lie in several parts, each with the rows one after the other.
    mutating func write(texts parts: [ByteColumn]) {
        write(parts)
        write(false)
    }

    private mutating func write(words: [Int], plus base: Int) {
        if base == 0, Int(littleEndian: 1) == 1, MemoryLayout<Int>.size == 8 {
            words.withUnsafeBytes { bytes.append(contentsOf: $0) }
        } else {
            for word in words { write(count: base + word) }
        }
    }

    private mutating func write(_ parts: [ByteColumn]) {
        let (rows, length) = parts.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + $1.bytes.count) }
        // By doubling, as appending would: many columns may follow.
        let room = bytes.count + rows * 8 + length + 64
        if bytes.capacity < room { bytes.reserveCapacity(Swift.max(room, bytes.capacity * 2)) }
        write(UInt8(3))
        write(count: rows)
        var base = 0
        for part in parts {
            write(words: part.ends, plus: base)
            base += part.bytes.count
        }
        write(count: length)
        for part in parts { bytes.append(contentsOf: part.bytes) }
    }

    mutating func write(_ batch: ColumnBatch) {
        write(batch.rowtime)
        for column in batch.columns { write(column) }
    }

    /// FNV-1a over all bytes so far.
    mutating func writeChecksum() { write(Int64(bitPattern: StateReader.checksum(bytes[...]))) }
}

/// Reads state. Every count is checked against the bytes that are left before it is believed.
struct StateReader {
    private let bytes: [UInt8]
    private var index = 0
    private var end: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        end = bytes.count
    }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBufferPointer { FNV1a($0).value }
    }

    /// Compares the last eight bytes with the checksum of all before them.
    mutating func checkChecksum() throws(SnapshotError) {
        guard end >= 8 else { throw .damaged("it is cut short") }
        var last = self
        last.index = end - 8
        let expected = try last.int64()
        guard UInt64(bitPattern: expected) == Self.checksum(bytes[..<(end - 8)]) else {
            throw .damaged("its checksum does not match")
        }
        end -= 8
    }

    var isAtEnd: Bool { index == end }
    var remaining: Int { end - index }

    func checkEnd() throws(SnapshotError) {
        guard isAtEnd else { throw .damaged("it has bytes left over") }
    }

    /// As many words of eight bytes as are counted before them.
    private mutating func words<Word: BitwiseCopyable>(_ word: (Int64) -> Word) throws(SnapshotError) -> [Word] {
        let count = try count(of: 8)
        let all = [Word](unsafeUninitializedCapacity: count) { memory, initialized in
            bytes.withUnsafeBytes { bytes in
                for place in 0..<count {
                    let value = bytes.loadUnaligned(fromByteOffset: index + place * 8, as: Int64.self)
                    memory.initializeElement(at: place, to: word(Int64(littleEndian: value)))
                }
            }
            initialized = count
        }
        index += count * 8
        return all
    }

    mutating func byte() throws(SnapshotError) -> UInt8 {
        guard index < end else { throw .damaged("it is cut short") }
        index += 1
        return bytes[index - 1]
    }

    mutating func int64() throws(SnapshotError) -> Int64 {
        guard end - index >= 8 else { throw .damaged("it is cut short") }
        var value: UInt64 = 0
        for offset in 0..<8 { value |= UInt64(bytes[index + offset]) << UInt64(8 * offset) }
        index += 8
        return Int64(bitPattern: value)
    }

    /// A count of things that take at least `size` bytes each.
    mutating func count(of size: Int = 1) throws(SnapshotError) -> Int {
        guard let count = Int(exactly: try int64()), count >= 0, count <= (end - index) / max(1, size) else {
            throw .damaged("a count is out of range")
        }
        return count
    }

    /// A count of things that stand elsewhere.
    mutating func number() throws(SnapshotError) -> Int {
        guard let count = Int(exactly: try int64()), count >= 0 else { throw .damaged("a count is negative") }
        return count
    }

    mutating func bool() throws(SnapshotError) -> Bool {
        switch try byte() {
        case 0: return false
        case 1: return true
        default: throw .damaged("a flag is neither 0 nor 1")
        }
    }

    mutating func optionalInt64() throws(SnapshotError) -> Int64? { try bool() ? try int64() : nil }

    mutating func byteString() throws(SnapshotError) -> [UInt8] {
        let count = try count()
        index += count
        return Array(bytes[(index - count)..<index])
    }

    /// A column of a type; `rows`, when given, is the number of rows it must have.
    mutating func column(_ type: SQLType, rows: Int? = nil) throws(SnapshotError) -> Column {
        let tag = try byte()
        let values: ColumnValues
        switch (tag, type.storage) {
        case (0, .booleans):
            let count = try count()
            var all: [Bool] = []
            all.reserveCapacity(count)
            for _ in 0..<count { all.append(try bool()) }
            values = .booleans(all)
        case (1, .integers):
            values = .integers(try words { $0 })
        case (2, .doubles):
            values = .doubles(try words { Double(bitPattern: UInt64(bitPattern: $0)) })
        case (3, .bytes):
            let ends = try words { Int($0) }
            guard ends.first ?? 0 >= 0, zip(ends, ends.dropFirst()).allSatisfy({ $0 <= $1 }) else {
                throw .damaged("texts overlap")
            }
            let text = try byteString()
            guard ends.last ?? 0 == text.count else { throw .damaged("texts and their lengths differ") }
            values = .bytes(ByteColumn(bytes: text, ends: ends))
        default: throw .damaged("a column is not of type \(type)")
        }
        var column = Column(type, values)
        if let rows, column.count != rows { throw .damaged("columns differ in length") }
        if try bool() {
            var nulls: [Bool] = []
            nulls.reserveCapacity(column.count)
            for _ in 0..<column.count { nulls.append(try bool()) }
            column.nulls = nulls
        }
        return column
    }

    mutating func batch(_ columns: [ColumnDefinition]) throws(SnapshotError) -> ColumnBatch {
        let rowtime = try column(.timestamp)
        var all: [Column] = []
        for definition in columns { all.append(try column(definition.type, rows: rowtime.count)) }
        return ColumnBatch(rowtime: rowtime, columns: all)
    }
}
