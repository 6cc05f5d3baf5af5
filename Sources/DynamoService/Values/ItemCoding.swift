/// Items as bytes of the table: a version, then each attribute.

/// The form in which items are kept. A later version gets another first byte.
package enum ItemCoding {
    static let version: UInt8 = 1

    /// What is kept is not what any version writes, or of a later version.
    package enum Problem: Error, Hashable, Sendable {
        case unknownVersion(Int)
        case malformed
    }

    /// The bytes of an item: the same for equal items.
    package static func encode(_ item: Item) -> [UInt8] {
        var bytes: [UInt8] = [version]
        bytes.reserveCapacity(item.itemSize + item.count * 6 + 16)
        append(item, to: &bytes)
        return bytes
    }

    package static func decode(_ bytes: [UInt8]) throws(Problem) -> Item {
        guard let first = bytes.first else { throw .malformed }
        guard first == version else { throw .unknownVersion(Int(first)) }
        // The standard library's closure over bytes does not say what it throws.
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(Problem) -> Item in
                var reader = Reader(bytes: bytes, position: 1)
                let item = try reader.item(depth: 0)
                guard reader.position == bytes.count else { throw .malformed }
                return item
            }
        }
        return try result.get()
    }

    // MARK: Writing

    private static func append(_ item: Item, to bytes: inout [UInt8]) {
        append(item.count, to: &bytes)
        for (name, value) in item.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            append(name, to: &bytes)
            append(value, to: &bytes)
        }
    }

    /// A count in seven bits a byte, the lowest first.
    private static func append(_ count: Int, to bytes: inout [UInt8]) {
        var rest = UInt(bitPattern: count)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func append(_ text: [UInt8], to bytes: inout [UInt8]) {
        append(text.count, to: &bytes)
        bytes.append(contentsOf: text)
    }

    private static func append(_ number: DynamoNumber, to bytes: inout [UInt8]) {
        var digits: [UInt8] = []
        var rest = number.digits
        while rest != 0 {
            digits.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
        bytes.append(UInt8(digits.count) | (number.isNegative ? 0x80 : 0))
        bytes.append(contentsOf: digits)
        let exponent = Int16(clamping: number.exponent)
        bytes.append(UInt8(truncatingIfNeeded: exponent))
        bytes.append(UInt8(truncatingIfNeeded: exponent >> 8))
    }

    private static func append(_ value: AttributeValue, to bytes: inout [UInt8]) {
        bytes.append(tag(value.kind))
        switch value {
        case .string(let text), .binary(let text): append(text, to: &bytes)
        case .number(let number): append(number, to: &bytes)
        case .bool(let flag): bytes.append(flag ? 1 : 0)
        case .null: break
        case .list(let elements):
            append(elements.count, to: &bytes)
            for element in elements { append(element, to: &bytes) }
        case .map(let members): append(members, to: &bytes)
        case .stringSet(let elements), .binarySet(let elements):
            append(elements.count, to: &bytes)
            for element in elements { append(element, to: &bytes) }
        case .numberSet(let numbers):
            append(numbers.count, to: &bytes)
            for number in numbers { append(number, to: &bytes) }
        }
    }

    private static func tag(_ kind: AttributeValue.Kind) -> UInt8 {
        switch kind {
        case .string: 1
        case .number: 2
        case .binary: 3
        case .bool: 4
        case .null: 5
        case .list: 6
        case .map: 7
        case .stringSet: 8
        case .numberSet: 9
        case .binarySet: 10
        }
    }

    // MARK: Reading

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position: Int

        /// Deeper than anything that is taken in.
        private static let mostDepth = 64

        mutating func byte() throws(Problem) -> UInt8 {
            guard position < bytes.count else { throw .malformed }
            defer { position += 1 }
            return bytes[position]
        }

        mutating func count() throws(Problem) -> Int {
            var (count, shift): (UInt, UInt) = (0, 0)
            while true {
                let byte = try byte()
                guard shift < 35 else { throw .malformed }
                count |= UInt(byte & 0x7F) << shift
                if byte < 0x80 { break }
                shift += 7
            }
            // Each element takes a byte at least.
            guard count <= UInt(bytes.count - position) else { throw .malformed }
            return Int(count)
        }

        mutating func text() throws(Problem) -> [UInt8] {
            let count = try count()
            defer { position += count }
            return [UInt8](bytes[position..<position + count])
        }

        mutating func number() throws(Problem) -> DynamoNumber {
            let head = try byte()
            guard head & 0x7F <= 16 else { throw .malformed }
            var digits: UInt128 = 0
            for index in 0..<Int(head & 0x7F) { digits |= UInt128(try byte()) << UInt128(8 * index) }
            let low = try byte()
            let exponent = Int16(bitPattern: UInt16(low) | UInt16(try byte()) << 8)
            guard let number = DynamoNumber(kept: digits, exponent: Int(exponent), isNegative: head & 0x80 != 0) else {
                throw .malformed
            }
            return number
        }

        mutating func item(depth: Int) throws(Problem) -> Item {
            let count = try count()
            var item = Item(minimumCapacity: count)
            for _ in 0..<count {
                let name = try text()
                item[name] = try value(depth: depth)
            }
            return item
        }

        private mutating func values<Value>(_ read: (inout Reader) throws(Problem) -> Value) throws(Problem) -> [Value] {
            let count = try count()
            var values: [Value] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try read(&self)) }
            return values
        }

        mutating func value(depth: Int) throws(Problem) -> AttributeValue {
            guard depth < Self.mostDepth else { throw .malformed }
            switch try byte() {
            case 1: return .string(try text())
            case 2: return .number(try number())
            case 3: return .binary(try text())
            case 4: return .bool(try byte() != 0)
            case 5: return .null
            case 6: return .list(try values { reader throws(Problem) in try reader.value(depth: depth + 1) })
            case 7: return .map(try item(depth: depth + 1))
            case 8: return .stringSet(try values { reader throws(Problem) in try reader.text() })
            case 9: return .numberSet(try values { reader throws(Problem) in try reader.number() })
            case 10: return .binarySet(try values { reader throws(Problem) in try reader.text() })
            default: throw .malformed
            }
        }
    }
}
