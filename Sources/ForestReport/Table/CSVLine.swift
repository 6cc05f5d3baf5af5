/// One line of separated values as its fields (RFC 4180, less line breaks within quotes).

package enum CSVLine {
    /// The fields, without the spaces around those that are not quoted; nil where a quote is not closed or something follows it.
    static func fields(_ line: some StringProtocol, separator: Character = ",") -> [String]? {
        guard line.utf8.contains(UInt8(ascii: "\"")) else {
            return line.split(separator: separator, omittingEmptySubsequences: false).map { String(trimmed($0)) }
        }
        var fields: [String] = []
        var rest = Substring(line)
        while true {
            while let first = rest.first, first.isWhitespace, first != separator { rest.removeFirst() }
            if rest.first == "\"" {
                rest.removeFirst()
                var field = ""
                while true {
                    guard let quote = rest.firstIndex(of: "\"") else { return nil }
                    field += rest[..<quote]
                    rest = rest[rest.index(after: quote)...]
                    guard rest.first == "\"" else { break }
                    field.append("\"")
                    rest.removeFirst()
                }
                while let first = rest.first, first.isWhitespace, first != separator { rest.removeFirst() }
                fields.append(field)
                guard let next = rest.first else { return fields }
                guard next == separator else { return nil }
                rest.removeFirst()
            } else {
                guard let end = rest.firstIndex(of: separator) else {
                    fields.append(String(trimmed(rest)))
                    return fields
                }
                fields.append(String(trimmed(rest[..<end])))
                rest = rest[rest.index(after: end)...]
            }
        }
    }

    /// Fields as a line; those with commas, quotes or spaces at their ends are quoted.
    static func line(_ fields: [String]) -> String {
        fields.map { field in
            let isPlain =
                !field.contains { $0 == "," || $0 == "\"" } && field.first?.isWhitespace != true && field.last?.isWhitespace != true
            return isPlain ? field : "\"" + field.replacing("\"", with: "\"\"") + "\""
        }.joined(separator: ",")
    }

    private static func trimmed(_ field: some StringProtocol) -> Substring {
        var rest = Substring(field)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}
