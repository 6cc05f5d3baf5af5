/// Parses JSON (RFC 8259) into a tape in one pass over the bytes, without copying strings or converting numbers.

/// One parse of one text. Nothing in it can trap: every position is compared with the end before it is read.
struct JSONParser {
    private let text: UnsafeBufferPointer<UInt8>
    private let depthLimit: Int
    private var position = 0
    private(set) var tape: [TapeEntry] = []

    /// - Parameter depthLimit: how many arrays and objects may stand inside each other.
    init(_ text: UnsafeBufferPointer<UInt8>, depthLimit: Int) {
        self.text = text
        self.depthLimit = depthLimit
    }

    /// Parses a whole text: one value with nothing but white space around it.
    mutating func parse() throws(JSONError) {
        guard text.count <= TapeEntry.maxTextLength else { throw JSONError(.tooLong, at: TapeEntry.maxTextLength) }
        tape.reserveCapacity(16 + text.count / 64)
        try value(depth: 0)
        skipWhiteSpace()
        if position < text.count { throw JSONError(.unexpectedByte, at: position) }
    }

    private mutating func value(depth: Int) throws(JSONError) {
        switch try nextByte() {
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "{"): try object(depth: depth + 1)
        case UInt8(ascii: "["): try array(depth: depth + 1)
        case UInt8(ascii: "t"): try literal("true", .true)
        case UInt8(ascii: "f"): try literal("false", .false)
        case UInt8(ascii: "n"): try literal("null", .null)
        default: try number()
        }
    }

    // MARK: Containers

    private mutating func object(depth: Int) throws(JSONError) {
        let start = try open(depth)
        if try nextByte() != UInt8(ascii: "}") {
            while true {
                guard try nextByte() == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
                try string()
                guard try nextByte() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
                position += 1
                try value(depth: depth)
                if try separator(closing: UInt8(ascii: "}")) { break }
            }
        }
        close(start, .object)
    }

    private mutating func array(depth: Int) throws(JSONError) {
        let start = try open(depth)
        if try nextByte() != UInt8(ascii: "]") {
            while true {
                try value(depth: depth)
                if try separator(closing: UInt8(ascii: "]")) { break }
            }
        }
        close(start, .array)
    }

    /// Enters a container, whose entry is filled in at its end.
    private mutating func open(_ depth: Int) throws(JSONError) -> Int {
        guard depth <= depthLimit else { throw JSONError(.tooDeep, at: position) }
        position += 1
        tape.append(TapeEntry(.null, offset: 0))
        return tape.count - 1
    }

    private mutating func close(_ start: Int, _ kind: TapeEntry.Kind) {
        position += 1
        tape[start] = TapeEntry(kind, offset: tape.count)
    }

    /// After an element: whether the container ends here. A comma is consumed, the closing bracket is not.
    private mutating func separator(closing: UInt8) throws(JSONError) -> Bool {
        let byte = try nextByte()
        if byte == closing { return true }
        guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
        return false
    }

    // MARK: Scalars

    private mutating func literal(_ word: StaticString, _ kind: TapeEntry.Kind) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        guard length <= text.count - position else { throw JSONError(.endOfText, at: text.count) }
        for index in 0..<length where text[position + index] != word.utf8Start[index] {
            throw JSONError(.unexpectedByte, at: position + index)
        }
        tape.append(TapeEntry(kind, length: length, offset: position))
        position += length
    }

    private mutating func number() throws(JSONError) {
        let start = position
        if peek == UInt8(ascii: "-") { position += 1 }
        if peek == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits(start)
        }
        if peek == UInt8(ascii: ".") {
            position += 1
            try digits(start)
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            try digits(start)
        }
        tape.append(TapeEntry(.number, length: position - start, offset: start))
    }

    private mutating func digits(_ start: Int) throws(JSONError) {
        let first = position
        while let byte = peek, byte &- UInt8(ascii: "0") <= 9 { position += 1 }
        if position == first { throw JSONError(position == start ? .unexpectedByte : .badNumber, at: position) }
    }

    private mutating func string() throws(JSONError) {
        position += 1
        let start = position
        var hasEscapes = false
        var hasHighBytes = false
        scan: while true {
            skipPlain(&hasHighBytes)
            guard let byte = peek else { throw JSONError(.endOfText, at: position) }
            switch byte {
            case UInt8(ascii: "\""): break scan
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape()
            case 0..<0x20: throw JSONError(.unexpectedByte, at: position)
            case 0x80...:
                hasHighBytes = true
                position += 1
            default: position += 1
            }
        }
        if hasHighBytes, !UTF8Check.isValid(UnsafeBufferPointer(rebasing: text[start..<position])) {
            throw JSONError(.badUTF8, at: start)
        }
        tape.append(TapeEntry(hasEscapes ? .escapedString : .string, length: position - start, offset: start))
        position += 1
    }

    /// Passes over bytes that mean nothing special in a string, eight at a time.
    @inline(__always)
    private mutating func skipPlain(_ hasHighBytes: inout Bool) {
        guard let base = UnsafeRawPointer(text.baseAddress) else { return }
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var seen: UInt64 = 0
        while text.count - position >= 8 {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
            // A byte's high bit is set where it is a quote, a backslash or below 0x20; above the lowest such byte there may be
            // false ones, which is why only the lowest counts.
            let special =
                ((quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (word &- ones &* 0x20) & ~word) & highs
            guard special != 0 else {
                seen |= word
                position += 8
                continue
            }
            let plain = special.trailingZeroBitCount / 8
            seen |= plain == 0 ? 0 : word & (UInt64.max >> UInt64(64 - 8 * plain))
            position += plain
            break
        }
        if seen & highs != 0 { hasHighBytes = true }
    }

    private mutating func escape() throws(JSONError) {
        position += 1
        guard let byte = peek else { throw JSONError(.endOfText, at: position) }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard let digit = peek else { throw JSONError(.endOfText, at: position) }
                guard JSONStrings.hexValue(digit) != nil else { throw JSONError(.badEscape, at: position) }
                position += 1
            }
        default: throw JSONError(.badEscape, at: position)
        }
    }

    // MARK: Bytes

    private var peek: UInt8? { position < text.count ? text[position] : nil }

    /// The next byte that is not white space; it is not consumed.
    private mutating func nextByte() throws(JSONError) -> UInt8 {
        skipWhiteSpace()
        guard position < text.count else { throw JSONError(.endOfText, at: position) }
        return text[position]
    }

    private mutating func skipWhiteSpace() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }
}
