/// The bytes inside a token: fixed-width numbers and short texts.

/// Puts a token together.
struct TokenWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger & BitwiseCopyable) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// A text of at most 65,535 bytes.
    mutating func append(_ text: String) {
        let utf8 = Array(text.utf8.prefix(Int(UInt16.max)))
        append(UInt16(utf8.count))
        bytes += utf8
    }
}

/// Takes a token apart; nil once the bytes do not suffice.
struct TokenReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// Whether everything was read.
    var isAtEnd: Bool { rest.isEmpty }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type = Number.self) -> Number? {
        let size = MemoryLayout<Number>.size
        guard rest.count >= size else { return nil }
        defer { rest = rest.dropFirst(size) }
        return rest.prefix(size).withUnsafeBytes { Number(bigEndian: $0.loadUnaligned(as: Number.self)) }
    }

    mutating func text() -> String? {
        guard let count = number(UInt16.self), rest.count >= Int(count) else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return String(validating: rest.prefix(Int(count)), as: UTF8.self)
    }
}
