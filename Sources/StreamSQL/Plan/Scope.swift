/// The names that expressions of a query can use.

/// The columns of what FROM reads, under its name.
struct Scope {
    /// The alias, or the name of a stream without one; nil for an unnamed subquery.
    var name: String?
    var columns: [ColumnDefinition]
    /// False where there is no row at all, as in a function's body.
    var hasRowtime = true

    static let empty = Scope(name: nil, columns: [], hasRowtime: false)

    /// The position of a column.
    func column(_ name: Syntax.Name) throws(SQLError) -> Int {
        var found: Int?
        for (index, column) in columns.enumerated() where column.name == name.text {
            if found != nil {
                throw SQLError("\(Identifiers.written(name.text)) is ambiguous: two columns have this name", at: name.position)
            }
            found = index
        }
        if let found { return found }
        let place = self.name.map { " in \(Identifiers.written($0))" } ?? ""
        // Unquoted names are stored in upper case, columns of a schema as written: by far the commonest slip.
        if let other = columns.first(where: { $0.name.uppercased() == name.text.uppercased() }) {
            throw SQLError(
                "there is no column \(Identifiers.written(name.text))\(place); did you mean \(Identifiers.written(other.name))? Names in double quotes keep their case, others are in upper case",
                at: name.position)
        }
        let hint = Suggestion.hint(for: name.text, among: columns.map(\.name) + ["ROWTIME"])
        // Double quotes hold names; other systems take them for strings too.
        let text = name.text.replacing("'", with: "''")
        let quotes = name.isQuoted ? "; write '\(text)' in single quotes for a string" : ""
        throw SQLError("there is no column \(Identifiers.written(name.text))\(place)\(hint)\(quotes)", at: name.position)
    }

    /// Checks that a qualifier names what FROM reads.
    func check(qualifier: Syntax.Name) throws(SQLError) {
        if qualifier.text == name { return }
        if columns.contains(where: { $0.name == qualifier.text }) {
            throw SQLError("fields of records are not supported yet", at: qualifier.position)
        }
        let known = name.map { "; FROM reads \(Identifiers.written($0))" } ?? "; the subquery in FROM has no name"
        throw SQLError("there is no \(Identifiers.written(qualifier.text)) here\(known)", at: qualifier.position)
    }

    /// The columns that `*` stands for.
    var visible: [Int] { columns.indices.filter { !columns[$0].isHidden } }
}
