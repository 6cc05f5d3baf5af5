/// SUBSTRING(text SIMILAR pattern ESCAPE e): the middle of a pattern of three parts that `e"` marks off (SQL Reference, "SUBSTRING").
extension ScalarFunction {
    static let substringSimilar = ScalarFunction(
        "SUBSTRING_SIMILAR", [.text, .text, .text], returns: { .varchar($0[0].length ?? 1) },
        example: (sql: "SUBSTRING('123456789' SIMILAR '23#\"456#\"78' ESCAPE '#')", gives: "456")
    ) { columns, type, context in
        let (texts, patterns, escapes) = (columns[0].byteColumn, columns[1].byteColumn, columns[2].byteColumn)
        var last: (pattern: String, escape: String, compiled: RegularExpression)?
        return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
            let (pattern, escape) = (patterns.text(row), escapes.text(row))
            let compiled: RegularExpression
            if let last, last.pattern == pattern, last.escape == escape {
                compiled = last.compiled
            } else {
                compiled = try middle(of: pattern, escape: escape)
                last = (pattern, escape, compiled)
            }
            let range = texts.range(row)
            texts.bytes.withUnsafeBytes { bytes in
                let text = UnsafeRawBufferPointer(rebasing: bytes[range])
                if let match = compiled.firstMatch(in: text), let start = match[2], let end = match[3] {
                    builder.append(bytes: UnsafeRawBufferPointer(rebasing: text[start..<end]))
                } else {
                    builder.appendNull()
                }
            }
        }
    }.with { $0.written = "SUBSTRING" }

    /// The three parts as one expression whose only group is the middle. They may stand anywhere in the text, as the page's first example shows; the first
    /// takes as little as it can.
    private static func middle(of pattern: String, escape: String) throws(RowFailure) -> RegularExpression {
        let scalars = Array(pattern.unicodeScalars)
        guard let mark = escape.unicodeScalars.first, escape.unicodeScalars.count == 1 else {
            throw .argument("ESCAPE must be one character.")
        }
        var parts: [String.UnicodeScalarView] = [String.UnicodeScalarView()]
        var index = 0
        while index < scalars.count {
            let next = index + 1 < scalars.count ? scalars[index + 1] : nil
            if scalars[index] == mark, next == "\"" {
                parts.append(String.UnicodeScalarView())
                index += 2
                continue
            }
            parts[parts.count - 1].append(scalars[index])
            // What is escaped is no mark itself.
            if scalars[index] == mark, let next {
                parts[parts.count - 1].append(next)
                index += 1
            }
            index += 1
        }
        guard parts.count == 3 else {
            throw .argument("The pattern '\(pattern.prefix(200))' does not have the three parts that \(escape)\" marks off.")
        }
        var nodes: [RegularExpressionNode] = []
        for part in parts {
            var parser = try SimilarPattern(String(part), escape: escape)
            nodes.append(try parser.parse())
        }
        return try RegularExpression(
            .sequence([nodes[0].repeating(greedily: false), .group(nodes[1], number: 1), nodes[2]]), groupCount: 1)
    }
}
