/// A materialized view as a query reads it: found by its name, by key where the query says which.

import StreamSQL
import StreamStore

/// `application.view`, or `view` where no stream and no other application's view has the name.
struct ViewSource: Sendable {
    /// What the planner knows it by: a stream's name cannot have a point before a view's.
    var name: String
    var application: String
    var view: PublishedView

    /// The view of a name; nil where it is none.
    /// - Throws: `.configuration` for a view that cannot be read now.
    static func find(_ read: NameRead, _ manager: ApplicationManager) async throws(ApplicationError) -> ViewSource? {
        func matches(_ name: String, _ wanted: String, _ isQuoted: Bool) -> Bool {
            name == wanted || !isQuoted && name.uppercased() == wanted
        }
        var found: [ViewSource] = []
        for (application, board) in await manager.runningViews() {
            if let qualifier = read.qualifier, !matches(application, qualifier, read.isQualifierQuoted) { continue }
            guard let view = board.views.first(where: { matches($0.schema.name, read.name, read.isQuoted) }) else { continue }
            if !board.isCaughtUp {
                // Without a name before it the name may be a stream's.
                guard read.qualifier != nil else { continue }
                throw .configuration(
                    "The view \(application).\(view.schema.name) is being caught up with its stream; ask again when it is.")
            }
            found.append(ViewSource(name: "\(application).\(view.schema.name)", application: application, view: view))
        }
        if read.qualifier == nil {
            guard found.count == 1, try await !manager.hasStream(read) else { return nil }
            // The planner looks for what the text says.
            found[0].name = found[0].view.schema.name
            return found[0]
        }
        if let view = found.first { return view }
        try await refuse(read, manager)
        return nil
    }

    /// Says why there is no view of a name of two parts, where its first part is an application.
    private static func refuse(_ read: NameRead, _ manager: ApplicationManager) async throws(ApplicationError) {
        guard let qualifier = read.qualifier else { return }
        let known = await manager.list().map(\.0.name)
        let name = known.first { $0 == qualifier } ?? known.first { !read.isQualifierQuoted && $0.uppercased() == qualifier }
        guard let name, let views = await manager.viewNames(of: name) else { return }
        if views.contains(where: { $0 == read.name || !read.isQuoted && $0.uppercased() == read.name }) {
            throw .configuration("The application \(name) does not run; its views can be read while it does.")
        }
        let there = views.isEmpty ? "it has none" : "there are: \(views.joined(separator: ", "))"
        throw .configuration("The application \(name) has no materialized view \(read.name); \(there).")
    }

    /// The rows that a query needs.
    func rows(for relation: Relation) -> PublishedView.Answer {
        guard let wanted = relation.equalities(of: name), !view.view.keys.isEmpty else { return view.all() }
        var values: [Column] = []
        for key in view.view.keys {
            guard let key, let value = wanted[key] else { return view.all() }
            // Nothing equals NULL.
            if value.isNull(0) { return PublishedView.Answer(rows: .empty(view.schema.columns)) }
            guard value.isAlike(view.schema.columns[key].type) else { return view.all() }
            values.append(value)
        }
        return view.rows(of: values)
    }
}

extension ApplicationManager {
    /// Whether a stream or a delivery stream has a name.
    func hasStream(_ read: NameRead) async throws(ApplicationError) -> Bool {
        do throws(StoreError) {
            for namespace in [StreamNamespace.stream, .delivery] {
                for stream in try await store.streams(in: namespace) {
                    if stream.key.name == read.name || !read.isQuoted && stream.key.name.uppercased() == read.name { return true }
                }
            }
            return false
        } catch { throw .store(error) }
    }
}

extension Column {
    /// Whether its bytes as a key are those of the equal value of a type.
    fileprivate func isAlike(_ other: SQLType) -> Bool {
        if type == other { return true }
        if type.isCharacter { return other.isCharacter }
        if type.isExactNumeric, other.isExactNumeric { return type.exactDigits?.scale == other.exactDigits?.scale }
        return type.storage == .doubles && other.storage == .doubles
    }
}

extension Relation {
    /// What a condition demands columns of a stream to be equal to, where it is read in one place.
    fileprivate func equalities(of stream: String) -> [Int: Column]? {
        var places = 0
        var found: [Int: Column]?
        note(stream, [], &places, &found)
        return places == 1 ? found : nil
    }

    private func note(_ stream: String, _ conditions: [TypedExpression], _ places: inout Int, _ found: inout [Int: Column]?) {
        switch self {
        case .stream(let schema) where schema.name == stream:
            places += 1
            var equal: [Int: Column] = [:]
            for condition in conditions { condition.note(&equal) }
            found = equal
        case .filter(let input, let condition): input.note(stream, conditions + [condition], &places, &found)
        default: for input in inputs { input.note(stream, [], &places, &found) }
        }
    }
}

extension TypedExpression {
    fileprivate func note(_ equal: inout [Int: Column]) {
        switch self {
        case .and(let left, let right):
            left.note(&equal)
            right.note(&equal)
        case .call(let function, let arguments, _) where function.name == "=" && arguments.count == 2:
            for (column, value) in [(arguments[0], arguments[1]), (arguments[1], arguments[0])] {
                guard case .column(let index, _) = column, value.columnsRead.isEmpty, !value.readsClock else { continue }
                var context = EvaluationContext(count: 1, clockMilliseconds: 0, queryStartMilliseconds: 0)
                let constant = Evaluator().evaluate(
                    value, over: ColumnBatch(rowtimes: [0], columns: []), context: &context)
                if context.errors.isEmpty { equal[index] = constant }
            }
        default: break
        }
    }
}
