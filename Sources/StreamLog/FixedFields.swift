/// Little-endian integers at fixed places, as the log's own headers hold them.

internal import Codecs

extension UnsafeRawBufferPointer {
    /// The integer at a place that the caller has checked to lie inside.
    func field<Value: FixedWidthInteger & BitwiseCopyable>(_ place: Int, as type: Value.Type = Value.self) -> Value {
        precondition(place >= 0 && place &+ MemoryLayout<Value>.size <= count)
        return Value(littleEndian: loadUnaligned(fromByteOffset: place, as: Value.self))
    }

    /// The bytes of a range that the caller has checked to lie inside.
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }
}

extension UnsafeMutableRawBufferPointer {
    /// Writes an integer at a place inside.
    func set<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at place: Int) {
        precondition(place >= 0 && place &+ MemoryLayout<Value>.size <= count)
        storeBytes(of: value.littleEndian, toByteOffset: place, as: Value.self)
    }
}

extension [UInt8] {
    /// Adds an integer.
    mutating func add<Value: FixedWidthInteger>(_ value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// The CRC-32C of a range that lies inside.
    func checksum(_ range: Range<Int>, continuing previous: UInt32 = 0) -> UInt32 {
        withUnsafeBytes { CRC32C.checksum($0.part(range), continuing: previous) }
    }
}

/// The name of a format as it stands at the beginning of a header: `MRJ2`.
func formatName(_ magic: UnsafeRawBufferPointer) -> String { String(decoding: magic, as: UTF8.self) }

/// A number as a file name: 20 digits, so that names sort as numbers do.
func paddedNumber(_ number: some BinaryInteger) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
}

/// The number in a file name of the form `<20 digits>.<ending>`, nil for any other name.
func number(in name: String, ending: String) -> UInt64? {
    guard name.hasSuffix("." + ending) else { return nil }
    let digits = name.dropLast(ending.count + 1)
    guard digits.utf8.count == 20, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    return UInt64(digits)
}
