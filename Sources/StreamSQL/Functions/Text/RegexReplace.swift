/// REGEX_REPLACE(text, regex, replacement, start, occurrence): replaces matches from the start-th character on; all of them, or the n-th.
extension ScalarFunction {
    static let regexReplace = ScalarFunction(
        "REGEX_REPLACE", [.text, .text, .text, .wholeNumber, .wholeNumber], returns: { _ in .varchar(65_535) },
        example: (sql: "REGEX_REPLACE('Barney Smith', '(\\w+) (\\w+)', '$2, $1', 1, 0)", gives: "Smith, Barney")
    ) { columns, type, context in
        let (texts, patterns, replacements) = (columns[0].byteColumn, columns[1].byteColumn, columns[2].byteColumn)
        let (starts, occurrences) = (columns[3].integers, columns[4].integers)
        var cache = RegularExpressionCache()
        return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
            guard starts[row] >= 1 else { throw .argument("REGEX_REPLACE starts at 1 or later.") }
            guard occurrences[row] >= 0 else { throw .argument("REGEX_REPLACE needs an occurrence of at least 0.") }
            let pattern = try cache.pattern(patterns, row)
            let replacement = try Replacement(replacements.text(row), groups: pattern.groupCount)
            let text = Array(texts.bytes[texts.range(row)])
            let replaced = text.withUnsafeBytes { bytes -> [UInt8] in
                let start = bytes.scalars(from: 1, count: starts[row] - 1).count
                return start == bytes.count && starts[row] > 1
                    ? Array(bytes) : replacement.apply(pattern, bytes, from: start, occurrence: occurrences[row])
            }
            builder.append(bytes: replaced)
        }
    }
}

/// Compiles a pattern once for the rows that follow with the same one.
struct RegularExpressionCache {
    private var last: (text: ArraySlice<UInt8>, compiled: RegularExpression)?

    mutating func pattern(_ patterns: ByteColumn, _ row: Int) throws(RowFailure) -> RegularExpression {
        let text = patterns.bytes[patterns.range(row)]
        if let last, last.text == text { return last.compiled }
        let compiled = try RegularExpression(patterns.text(row))
        last = (text, compiled)
        return compiled
    }
}

/// A replacement in which `$1` stands for a group and a backslash makes the next character plain.
private struct Replacement {
    private enum Part { case text([UInt8]), group(Int) }
    private var parts: [Part] = []

    init(_ text: String, groups: Int) throws(RowFailure) {
        var rest = text.unicodeScalars[...]
        var literal: [UInt8] = []
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\\":
                guard let escaped = rest.popFirst() else { throw .argument("The replacement ends with a backslash.") }
                literal += Array(String(escaped).utf8)
            case "$":
                guard let digit = rest.popFirst().flatMap({ $0.isASCII ? Int(String($0)) : nil }), digit <= groups else {
                    throw .argument("The replacement names a group that the pattern does not have.")
                }
                var group = digit
                // A second digit belongs to the number only if there is such a group.
                while let more = rest.first.flatMap({ $0.isASCII ? Int(String($0)) : nil }), group * 10 + more <= groups, groups > 9
                {
                    group = group * 10 + more
                    rest = rest.dropFirst()
                }
                if !literal.isEmpty { parts.append(.text(literal)) }
                literal = []
                parts.append(.group(group))
            default: literal += Array(String(scalar).utf8)
            }
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
    }

    func apply(_ pattern: RegularExpression, _ text: UnsafeRawBufferPointer, from start: Int, occurrence: Int64) -> [UInt8] {
        var output = Array(text[..<start])
        var copied = start
        var search = start
        var seen: Int64 = 0
        while search <= text.count, let match = pattern.firstMatch(in: text, from: search), let from = match[0], let to = match[1] {
            seen += 1
            if occurrence == 0 || occurrence == seen {
                output += text[copied..<from]
                for part in parts {
                    switch part {
                    case .text(let bytes): output += bytes
                    case .group(let number):
                        if let low = match[2 * number], let high = match[2 * number + 1], low <= high { output += text[low..<high] }
                    }
                }
                copied = to
                if occurrence == seen { break }
            }
            // An empty match is not found again at the same place.
            search = to > from ? to : to < text.count ? text.nextScalar(after: to) : text.count + 1
        }
        return output + Array(text[copied...])
    }
}
