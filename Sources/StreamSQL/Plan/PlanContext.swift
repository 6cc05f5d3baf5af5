/// What a program has defined so far, and what planning it may cost.

/// The streams, views and functions that exist at a point of a program, shared by the planners of its parts.
final class PlanContext {
    /// What a name in FROM or INSERT INTO stands for.
    enum Object {
        case input(StreamSchema)
        case stream(StreamSchema)
        case view(Syntax.CreateView)
        case table(StreamSchema)
        case materialized(StreamSchema)
        /// A table of WITH, and what the names meant where it stands.
        case common(Syntax.CommonTable, [String: Object])
    }

    /// How many nodes the plan of a program may have. Views and functions are copied into their users, so text alone does not bound it.
    static let maximumNodes = 200_000
    /// How deep a typed expression may nest after functions are put in.
    static let maximumDepth = 256
    /// How deep chains of operators may make a typed expression. It is walked by recursion, on threads of half a megabyte too.
    package static let maximumTypedDepth = 500

    var objects: [String: Object] = [:]
    var functions: [String: [Syntax.CreateFunction]] = [:]
    /// Names that a refused statement would have defined.
    var lostNames: Set<String>
    private(set) var errors: [SQLError] = []
    /// Whether streams have an end: a query over what is stored.
    var streamsEnd = false
    /// Whether a name without quotes also means one that differs in case only.
    var ignoresCase = false
    /// The streams and views that the statement under planning reads, through views too.
    var reads: Set<String> = []
    private var nodes = 0
    private var depth = 0
    private var expanding: Set<String> = []

    init(lostNames: Set<String>) { self.lostNames = lostNames }

    /// Keeps an error and goes on.
    func report(_ error: SQLError) { if !error.isConsequence { errors.append(error) } }

    /// Looking for what a misspelt name may mean takes time; more errors than this help nobody.
    var hasEnoughErrors: Bool { errors.count >= 100 }

    // MARK: Bounds

    /// Counts nodes of the plan.
    func spend(_ count: Int = 1, at position: SourcePosition) throws(SQLError) {
        nodes += count
        if nodes > Self.maximumNodes {
            throw SQLError("the program is too large after its views and functions are put in", at: position)
        }
    }

    /// Goes down a level; `leave` goes back.
    func enter(at position: SourcePosition) throws(SQLError) {
        depth += 1
        if depth > Self.maximumDepth { throw tooDeep(at: position) }
    }

    func tooDeep(at position: SourcePosition) -> SQLError {
        SQLError("this is nested too deeply; at most \(Self.maximumDepth) levels are allowed", at: position)
    }

    func leave() { depth -= 1 }

    /// Begins to put a view or a function in the place of its name; `endExpansion` ends it.
    func beginExpansion(of name: String, _ kind: Syntax.ObjectKind, at position: SourcePosition) throws(SQLError) {
        guard expanding.insert(kind.rawValue + " " + name).inserted else {
            throw SQLError("the \(kind.rawValue.lowercased()) \(Identifiers.written(name)) is defined by itself", at: position)
        }
    }

    func endExpansion(of name: String, _ kind: Syntax.ObjectKind) { expanding.remove(kind.rawValue + " " + name) }

    /// Whether the rows of a relation have an end.
    func isBounded(_ relation: Relation) -> Bool { streamsEnd || relation.isStatic }

    /// Tries to plan something; what it reported is forgotten when it fails.
    func attempt<Value>(_ plan: () throws(SQLError) -> Value) throws(SQLError) -> Value {
        let (errors, depth, expanding) = (self.errors, self.depth, self.expanding)
        do throws(SQLError) {
            return try plan()
        } catch {
            (self.errors, self.depth, self.expanding) = (errors, depth, expanding)
            throw error
        }
    }

    // MARK: Names

    /// Plans with the tables of WITH at hand.
    func with<Value>(_ tables: [Syntax.CommonTable], _ plan: () throws(SQLError) -> Value) throws(SQLError) -> Value {
        let outer = objects
        defer { objects = outer }
        for (index, table) in tables.enumerated() {
            if let earlier = tables[..<index].first(where: { $0.name.text == table.name.text }) {
                throw SQLError(
                    "there is a table \(Identifiers.written(earlier.name.text)) in this WITH already", at: table.name.position)
            }
            objects[table.name.text] = .common(table, objects)
        }
        return try plan()
    }

    /// Plans as if the names meant this.
    func with<Value>(objects names: [String: Object], _ plan: () throws(SQLError) -> Value) throws(SQLError) -> Value {
        let outer = objects
        defer { objects = outer }
        objects = names
        return try plan()
    }

    /// What a name of two parts stands for: a view of an application.
    private func qualified(_ name: Syntax.QualifiedName) -> Object? {
        guard streamsEnd, let qualifier = name.qualifiers.last else { return nil }
        let whole = "\(qualifier.text).\(name.last.text)"
        if let object = objects[whole] { return object }
        let alike = objects.keys.filter { key in
            guard let dot = key.lastIndex(of: ".") else { return false }
            func matches(_ part: Substring, _ name: Syntax.Name) -> Bool {
                part == name.text || !name.isQuoted && part.uppercased() == name.text
            }
            return matches(key[..<dot], qualifier) && matches(key[key.index(after: dot)...], name.last)
        }
        return alike.count == 1 ? objects[alike[0]] : nil
    }

    /// What a name stands for, or an error that says so and what was perhaps meant.
    func object(_ name: Syntax.QualifiedName) throws(SQLError) -> Object {
        let stored = name.last.text
        if let object = qualified(name) ?? objects[stored] { return object }
        if ignoresCase, !name.last.isQuoted {
            let alike = objects.keys.filter { $0.uppercased() == stored }
            if alike.count == 1, let object = objects[alike[0]] { return object }
        }
        if stored.uppercased() == "ERROR_STREAM" {
            throw SQLError("error_stream cannot be used in a program, only as an output", at: name.last.position)
        }
        if lostNames.contains(stored) { throw .consequence(at: name.last.position) }
        throw SQLError(
            "there is no stream or view \(Identifiers.written(stored))\(Suggestion.hint(for: stored, among: objects.keys.sorted()))",
            at: name.last.position)
    }
}
