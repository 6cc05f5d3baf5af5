/// The fields of a Protocol Buffers message, one after the other (Protocol Buffers, "Encoding").

/// Reads in place. Nothing in it can trap: every position is compared with the end before it is read.
struct MessageFields {
    enum Value {
        /// A varint.
        case number(UInt64)
        /// Where bytes, a text or an inner message lie.
        case bytes(Range<Int>)
        /// Of a fixed size, which none of the fields here has.
        case other
    }

    private let memory: UnsafeRawBufferPointer
    private let end: Int
    private var position: Int
    private var isBroken = false

    /// - Parameter range: of the message; inside the memory.
    init(_ memory: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.memory = memory
        (position, end) = (range.lowerBound, range.upperBound)
    }

    /// Whether all was read, down to the end. It is said after `next` has given nil.
    var isWhole: Bool { !isBroken && position == end }

    /// The next field; nil at the end, or where what follows is no field.
    mutating func next() -> (number: Int, value: Value)? {
        guard !isBroken, position < end else { return nil }
        if let field = field() { return field }
        isBroken = true
        return nil
    }

    private mutating func field() -> (number: Int, value: Value)? {
        // A field's number has 29 bits, and is not 0.
        guard let tag = varint(), tag >> 3 > 0, tag >> 3 < 1 << 29 else { return nil }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return varint().map { (number, .number($0)) }
        case 1: return skip(8).map { _ in (number, .other) }
        case 2: return varint().flatMap { skip($0) }.map { (number, .bytes($0)) }
        case 5: return skip(4).map { _ in (number, .other) }
        // Groups, which this format never had.
        default: return nil
        }
    }

    private mutating func skip(_ count: UInt64) -> Range<Int>? {
        guard count <= UInt64(end - position) else { return nil }
        defer { position += Int(count) }
        return position..<position + Int(count)
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 64 {
            let byte = memory[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
