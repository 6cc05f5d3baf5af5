/// Names of columns for what a sample calls its values.

/// Gives each column a name of its own that the API takes and that a program can say.
struct ColumnNames {
    private static let longest = 120
    /// What the API's pattern leaves out of a name, `[^-\s<>&]*`.
    private static let refused: Set<Character> = ["-", "<", ">", "&", "\""]

    private var taken: Set<String> = []
    /// The number that a name which is taken gets next.
    private var numbers: [String: Int] = [:]

    /// A name for the value at the end of a path of members: the last one's, with those before it where that is taken. A reserved word
    /// gets `COL_` in front.
    mutating func name(of path: [String]) -> String {
        let parts = path.map { part in
            String(part.prefix(Self.longest).map { $0.isWhitespace || Self.refused.contains($0) || $0.isNewline ? "_" : $0 })
        }
        for count in 1...max(1, parts.count) {
            let name = Self.usable(parts.suffix(count).joined(separator: "_"))
            if take(name) { return name }
        }
        let base = parts.last ?? ""
        while true {
            let number = numbers[base, default: 2]
            numbers[base] = number + 1
            let name = Self.usable("\(base)_\(number)")
            if take(name) { return name }
        }
    }

    /// Programs fold what is not in quotes, so names that differ in case only are taken for the same.
    private mutating func take(_ name: String) -> Bool { taken.insert(name.uppercased()).inserted }

    private static func usable(_ name: String) -> String {
        let short = String(String.UnicodeScalarView(name.unicodeScalars.suffix(longest)))
        return short.isEmpty || Identifiers.reserved.contains(short.uppercased()) ? "COL_\(short)" : short
    }
}
