/// Numbers to bytes and back for snapshots: little-endian words, and LEB128 for counts and indexes.

import StableHash

/// Writes a snapshot.
struct SnapshotWriter {
    private(set) var bytes: [UInt8] = []

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func word(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func double(_ value: Double) { word(value.bitPattern) }

    mutating func float(_ value: Float) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func count(_ value: Int) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

/// Reads what ``SnapshotWriter`` wrote; throws instead of reading past the end.
struct SnapshotReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var remaining: Int { bytes.endIndex - position }

    mutating func byte() throws(ForestError) -> UInt8 {
        guard remaining >= 1 else { throw Self.short }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func word() throws(ForestError) -> UInt64 {
        guard remaining >= 8 else { throw Self.short }
        var value: UInt64 = 0
        for i in 0..<8 { value |= UInt64(bytes[position + i]) << UInt64(8 * i) }
        position += 8
        return value
    }

    mutating func float() throws(ForestError) -> Float {
        guard remaining >= 4 else { throw Self.short }
        var bits: UInt32 = 0
        for i in 0..<4 { bits |= UInt32(bytes[position + i]) << UInt32(8 * i) }
        position += 4
        return Float(bitPattern: bits)
    }

    mutating func double() throws(ForestError) -> Double { Double(bitPattern: try word()) }

    /// A count or index of at most `limit`.
    mutating func count(upTo limit: Int) throws(ForestError) -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 else { throw .damagedSnapshot(reason: "a number is too long") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { break }
            shift += 7
        }
        guard let result = Int(exactly: value), result <= limit else {
            throw .damagedSnapshot(reason: "\(value) is above the limit of \(limit)")
        }
        return result
    }

    private static var short: ForestError { .damagedSnapshot(reason: "it ends too early") }
}

/// Tells altered bytes from whole ones; no defence against intent, which the checks of the content are.
func snapshotChecksum(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.withUnsafeBufferPointer { FNV1a($0).value } }
