/// W3C_LOG_PARSE(text, format): a field for each specifier of a format of Apache's logs (SQL Reference, "W3C_LOG_PARSE").
extension LogParserFunction {
    static let w3c = LogParserFunction(name: "W3C_LOG_PARSE") { arguments throws(SignatureError) in
        try LogParsers.check(arguments, 1...1)
        let text = try LogParsers.text(arguments, 0, "the format")
        let format = try W3CFormat(W3CFormat.predefined[text.uppercased()] ?? text)
        let count = format.fieldCount
        guard (1...LogParsers.mostFields).contains(count) else { throw SignatureError("the format has no specifier", argument: 1) }
        return LogParser("W3C_LOG_PARSE \(text)", LogField.numbered(count)) { W3CSplitter(format: format) }
    }
}

/// A format: fields and what stands between them.
struct W3CFormat: Sendable {
    enum Element: Sendable, Equatable {
        case literal([UInt8])
        /// `isBracketed`: a time, which holds blanks between its brackets.
        case field(isBracketed: Bool)
    }

    /// The page names the specifiers of all but IIS, whose lines have fifteen values between commas.
    static let predefined = [
        "COMMON": "%h %l %u %t \"%r\" %>s %b", "COMMON WITH VHOST": "%v %h %l %u %t \"%r\" %>s %b",
        "NCSA EXTENDED": "%h %l %u %t \"%r\" %>s %b \"%[Referer]i\" \"%[User-agent]i\"", "REFERER": "%[Referer]i -> %U",
        "AGENT": "%[User-agent]i", "IIS": [String](repeating: "%h", count: 15).joined(separator: ", "),
    ]

    private(set) var elements: [Element] = []
    var fieldCount: Int { elements.count { if case .field = $0 { true } else { false } } }

    init(_ text: String) throws(SignatureError) {
        var literal: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let next = rest.first, next == UInt8(ascii: "\"") || next == byte {
                literal.append(rest.removeFirst())
            } else if byte == UInt8(ascii: "%") {
                if rest.first == byte {
                    literal.append(rest.removeFirst())
                    continue
                }
                let (letter, isNamed) = try Self.specifier(&rest)
                if case .field? = elements.last, literal.isEmpty {
                    throw SignatureError("two specifiers of the format stand side by side", argument: 1)
                }
                if !literal.isEmpty { elements.append(.literal(literal)) }
                literal = []
                elements.append(.field(isBracketed: letter == UInt8(ascii: "t") && !isNamed))
            } else {
                literal.append(byte)
            }
        }
        if !literal.isEmpty { elements.append(.literal(literal)) }
    }

    private static let letters = Set("aABbCDefhHilmnopPqrsTtuUvVXIO".utf8)

    /// What follows a percent sign: conditions, a name in brackets or braces, and the letter.
    private static func specifier(_ rest: inout ArraySlice<UInt8>) throws(SignatureError) -> (letter: UInt8, isNamed: Bool) {
        var isNamed = false
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: ","), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: "."):
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                let close = byte == UInt8(ascii: "[") ? UInt8(ascii: "]") : UInt8(ascii: "}")
                guard let end = rest.firstIndex(of: close) else {
                    throw SignatureError("the format has an open bracket", argument: 1)
                }
                rest = rest[(end + 1)...]
                isNamed = true
            default:
                guard letters.contains(byte) else {
                    throw SignatureError("the format has no specifier %\(Character(Unicode.Scalar(byte)))", argument: 1)
                }
                return (byte, isNamed)
            }
        }
        throw SignatureError("the format ends with a percent sign", argument: 1)
    }
}

/// A field ends where the text that follows it in the format begins.
private struct W3CSplitter: LogSplitter {
    let format: W3CFormat

    mutating func split(_ line: UnsafeRawBufferPointer, into fields: inout [Range<Int>?]) -> Bool {
        var end = line.count
        while end > 0, line[end - 1] == 10 || line[end - 1] == 13 { end -= 1 }
        let line = UnsafeRawBufferPointer(rebasing: line[..<end])
        var (index, field) = (0, 0)
        for (place, element) in format.elements.enumerated() {
            switch element {
            case .literal(let bytes):
                guard line.has(bytes, at: index) else { return false }
                index += bytes.count
            case .field(let isBracketed):
                var search = index
                if isBracketed {
                    guard index < line.count, line[index] == UInt8(ascii: "["),
                        let close = line[index...].firstIndex(of: UInt8(ascii: "]"))
                    else { return false }
                    search = close + 1
                }
                var end = line.count
                if place + 1 < format.elements.count, case .literal(let bytes) = format.elements[place + 1] {
                    guard let found = line.position(of: bytes, from: search) else { return false }
                    end = found
                }
                fields[field] = index..<end
                field += 1
                index = end
            }
        }
        return index == line.count
    }
}

extension UnsafeRawBufferPointer {
    /// Where these bytes stand next, not behind a backslash that makes a quote plain.
    fileprivate func position(of bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + bytes.count <= count {
            if self[index] == UInt8(ascii: "\\"), bytes[0] == UInt8(ascii: "\"") {
                index += 2
                continue
            }
            if self[index] == bytes[0], has(bytes, at: index) { return index }
            index += 1
        }
        return nil
    }
}
