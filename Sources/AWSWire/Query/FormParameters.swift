/// The parameters of a form: how the older AWS services, such as STS, are called.

/// An `application/x-www-form-urlencoded` body (WHATWG URL, section 5.1).
public struct FormParameters: Sendable {
    private var values: [String: String] = [:]
    /// Who has sent them; nil where nobody has to sign.
    package var caller: AuthenticatedCaller?

    /// Nil when a percent sign stands before anything but two hexadecimal digits, or a text is no UTF-8. Of two parameters of one name the last counts.
    public init?(_ body: UnsafeRawBufferPointer) {
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.text(parts[0]), let value = parts.count > 1 ? Self.text(parts[1]) : "" else { return nil }
            values[name] = value
        }
    }

    /// All of them, in no order.
    public var all: [String: String] { values }

    public subscript(name: String) -> String? { values[name] }

    private static func text(_ encoded: Slice<UnsafeRawBufferPointer>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count)
        var rest = encoded
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? { Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) } }
}
