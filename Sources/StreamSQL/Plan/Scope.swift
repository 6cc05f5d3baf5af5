/// The names that expressions of a query can use.

/// The columns of what FROM reads: of one relation, or of several side by side.
struct Scope {
    /// A relation under its name.
    struct Source {
        /// The alias, or the name of a stream without one; nil for an unnamed subquery.
        var name: String?
        /// Where its columns lie among the scope's.
        var columns: Range<Int>
        /// What its name with ROWTIME stands for; nil for a table, whose rows have no time.
        var rowtime: TypedExpression?
        /// How far that time may lie before the row's own, milliseconds; nil where it is not known.
        var lag: Int64?
    }

    private(set) var sources: [Source]
    /// Further names of the first relation: the variables of a pattern.
    private var variables: [String] = []
    let columns: [ColumnDefinition]
    /// Columns that `*` and names without a qualifier pass over: one of each pair of USING.
    private var leftOut: Set<Int> = []
    /// False where there is no row at all, as in a function's body.
    private(set) var hasRowtime = true
    /// Whether a name without quotes also means one that differs in case only.
    var ignoresCase = false

    static let empty: Scope = {
        var scope = Scope(name: nil, columns: [])
        scope.hasRowtime = false
        return scope
    }()

    /// The rows of one relation: their ROWTIME is its own.
    /// - Parameter isTimed: false for tables.
    init(name: String?, columns: [ColumnDefinition], isTimed: Bool = true) {
        sources = [Source(name: name, columns: columns.indices, rowtime: isTimed ? .rowtime : nil)]
        self.columns = columns
    }

    /// Rows made of one of each relation: behind a relation's columns lies its ROWTIME, which `*` leaves out. A ROWTIME without a name is the row's own.
    init(joining relations: [(name: String?, columns: [ColumnDefinition])]) {
        var (sources, columns) = ([Source](), [ColumnDefinition]())
        for relation in relations {
            let range = columns.count..<(columns.count + relation.columns.count)
            sources.append(Source(name: relation.name, columns: range, rowtime: .column(range.upperBound, .timestamp)))
            columns += relation.columns + [ColumnDefinition("ROWTIME", .timestamp, isHidden: true)]
        }
        self.sources = sources
        self.columns = columns
    }

    /// The rows of a join, laid out as `WindowJoin` says.
    init(joining left: Scope, _ right: Scope) {
        let shift = left.columns.count + 1
        columns = WindowJoin.columns(left.columns, right.columns)
        sources = left.sources.map { source in
            var source = source
            if source.rowtime == .rowtime { source.rowtime = .column(shift - 1, .timestamp) }
            return source
        }
        for source in right.sources {
            var rowtime = source.rowtime == nil ? nil : TypedExpression.column(shift + right.columns.count, .timestamp)
            if case .column(let index, let type)? = source.rowtime { rowtime = .column(shift + index, type) }
            let places = source.columns.lowerBound + shift..<source.columns.upperBound + shift
            sources.append(Source(name: source.name, columns: places, rowtime: rowtime, lag: source.lag))
        }
        leftOut = left.leftOut.union(right.leftOut.map { $0 + shift })
        ignoresCase = left.ignoresCase
    }

    /// The rows of one side beside those of a table: their ROWTIME is the former's.
    /// - Parameter tableIsFirst: whether the columns of the table come first.
    init(_ rows: Scope, beside table: Scope, tableIsFirst: Bool) {
        let (first, second) = tableIsFirst ? (table, rows) : (rows, table)
        let shift = first.columns.count
        columns = first.columns + second.columns
        sources =
            first.sources
            + second.sources.map { source in
                var rowtime = source.rowtime
                if case .column(let index, let type)? = rowtime { rowtime = .column(shift + index, type) }
                return Source(
                    name: source.name, columns: source.columns.lowerBound + shift..<source.columns.upperBound + shift,
                    rowtime: rowtime)
            }
        leftOut = first.leftOut.union(second.leftOut.map { $0 + shift })
        ignoresCase = rows.ignoresCase
    }

    /// Whether a ROWTIME without a name means something.
    var isTimed: Bool { sources.isEmpty || sources.contains { $0.rowtime != nil } }

    /// Notes how far the times of the relations from one on may lie before the row's own.
    mutating func setLag(_ lag: Int64?, ofSourcesFrom first: Int) {
        for index in sources.indices.dropFirst(first) { sources[index].lag = lag }
    }

    /// The scope where the row's own ROWTIME is that which a relation's name with ROWTIME stood for.
    func timed(by column: Int) -> Scope {
        var scope = self
        for index in sources.indices {
            if case .column(column, _)? = sources[index].rowtime { scope.sources[index].rowtime = .rowtime }
        }
        return scope
    }

    /// The scope of an expression of MATCH_RECOGNIZE: each variable of the pattern is a name for the relation too.
    func calling(_ variables: [String]) -> Scope {
        var scope = self
        scope.variables = variables
        return scope
    }

    /// Passes over a column from here on.
    mutating func leaveOut(_ column: Int) { leftOut.insert(column) }

    private init(sources: [Source], columns: [ColumnDefinition]) {
        self.sources = sources
        self.columns = columns
    }

    /// The name of the only relation.
    var name: String? { sources.count == 1 ? sources[0].name : nil }

    /// The position of a column, among those of one relation or of all.
    func column(_ name: Syntax.Name, of source: Source? = nil) throws(SQLError) -> Int {
        if let found = try found(name, of: source, { $0 == name.text }) { return found }
        if ignoresCase, !name.isQuoted, let found = try found(name, of: source, { $0.uppercased() == name.text }) { return found }
        let place = (source?.name ?? self.name).map { " in \(Identifiers.written($0))" } ?? ""
        let columns = source.map { Array(self.columns[$0.columns]) } ?? self.columns
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

    private func found(_ name: Syntax.Name, of source: Source?, _ isNamed: (String) -> Bool) throws(SQLError) -> Int? {
        var found: Int?
        let places = source.map { [$0.columns] } ?? sources.map(\.columns)
        for index in places.joined() where columns[index].record == nil && isNamed(columns[index].name) {
            if source == nil, leftOut.contains(index) { continue }
            if found != nil {
                throw SQLError("\(Identifiers.written(name.text)) is ambiguous: two columns have this name", at: name.position)
            }
            found = index
        }
        return found
    }

    /// The position of a column among those from one position on, and before another.
    func column(_ name: Syntax.Name, from first: Int = 0, below end: Int? = nil) throws(SQLError) -> Int {
        func places(_ isNamed: (String) -> Bool) -> [Int] {
            (first..<(end ?? columns.count)).filter {
                isNamed(columns[$0].name) && !columns[$0].isHidden && columns[$0].record == nil && !leftOut.contains($0)
            }
        }
        var found = places { $0 == name.text }
        if found.isEmpty, ignoresCase, !name.isQuoted { found = places { $0.uppercased() == name.text } }
        if let place = found.first, found.count == 1 { return place }
        let what =
            found.isEmpty
            ? "there is no column \(Identifiers.written(name.text)) on both sides"
            : "two columns have the name \(Identifiers.written(name.text))"
        throw SQLError(what, at: name.position)
    }

    /// The relation that a qualifier names.
    func source(_ qualifier: Syntax.Name) throws(SQLError) -> Source {
        if variables.contains(qualifier.text) {
            return Source(name: qualifier.text, columns: columns.indices, rowtime: isTimed ? .rowtime : nil)
        }
        var named = sources.filter { $0.name == qualifier.text }
        if named.isEmpty, ignoresCase, !qualifier.isQuoted { named = sources.filter { $0.name?.uppercased() == qualifier.text } }
        if let source = named.first {
            if named.count == 1 { return source }
            throw SQLError("\(Identifiers.written(qualifier.text)) is ambiguous: FROM reads it twice", at: qualifier.position)
        }
        if columns.contains(where: { $0.name == qualifier.text && $0.record == nil }) {
            throw SQLError(
                "\(Identifiers.written(qualifier.text)) is a column and no record: it has no fields", at: qualifier.position)
        }
        let names = sources.compactMap(\.name).map { Identifiers.written($0) }.joined(separator: " and ")
        let known = names.isEmpty ? "; the subquery in FROM has no name" : "; FROM reads \(names)"
        throw SQLError("there is no \(Identifiers.written(qualifier.text)) here\(known)", at: qualifier.position)
    }

    /// The scope with further columns behind its own, which have no names here.
    func adding(_ columns: [ColumnDefinition]) -> Scope {
        if columns.isEmpty { return self }
        var scope = Scope(sources: sources, columns: self.columns + columns)
        scope.leftOut = leftOut
        scope.ignoresCase = ignoresCase
        return scope
    }

    // MARK: Records

    /// The fields of the record that a name stands for, by their positions; nil where there is no such record.
    /// - Parameters:
    ///   - record: the record's name.
    ///   - qualifiers: what stands before it: the relation's name, or nothing.
    func fields(of record: Syntax.Name, _ qualifiers: ArraySlice<Syntax.Name>) -> [Int]? {
        guard qualifiers.last != nil || !sources.contains(where: { $0.name == record.text }) else { return nil }
        let places = qualifiers.last.map { qualifier in sources.filter { $0.name == qualifier.text } } ?? sources
        let found = places.flatMap { $0.columns.filter { columns[$0].record == record.text } }
        return found.isEmpty ? nil : found
    }

    /// The position of a record's field.
    func field(_ name: Syntax.Name, among fields: [Int]) throws(SQLError) -> Int {
        let found = fields.filter { columns[$0].name == name.text }
        if let first = found.first, found.count == 1 { return first }
        if found.count > 1 {
            throw SQLError("\(Identifiers.written(name.text)) is ambiguous: two fields have this name", at: name.position)
        }
        let hint = Suggestion.hint(for: name.text, among: fields.map { columns[$0].name })
        throw SQLError("the record has no field \(Identifiers.written(name.text))\(hint)", at: name.position)
    }

    /// The columns that `*` stands for, of one relation or of all.
    func visible(of source: Source? = nil) -> [Int] {
        (source?.columns ?? columns.indices).filter { !columns[$0].isHidden && (source != nil || !leftOut.contains($0)) }
    }
}
