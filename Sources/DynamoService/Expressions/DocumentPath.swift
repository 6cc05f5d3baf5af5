/// Paths into items: an attribute, then members of maps and places in lists.

/// `a.b[3].c` of an expression, its placeholders resolved.
package struct DocumentPath: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        case name(AttributeName)
        case index(Int)
    }

    /// The attribute of the item.
    package var attribute: AttributeName
    /// What leads on from there.
    package var steps: [Step]

    package init(_ attribute: AttributeName, _ steps: [Step] = []) {
        (self.attribute, self.steps) = (attribute, steps)
    }

    /// The longest path, its attribute included.
    static let mostSteps = 32

    /// As the service shows it in a message: `[a, b, [3], c]`.
    var shown: String {
        let parts = steps.map { step in
            switch step {
            case .name(let name): String(decoding: name, as: UTF8.self)
            case .index(let index): "[\(index)]"
            }
        }
        return "[" + ([String(decoding: attribute, as: UTF8.self)] + parts).joined(separator: ", ") + "]"
    }

    /// What stands there; nil where nothing does.
    func value(in item: Item) -> AttributeValue? {
        guard var value = item[attribute] else { return nil }
        for step in steps {
            switch (step, value) {
            case (.name(let name), .map(let members)):
                guard let member = members[name] else { return nil }
                value = member
            case (.index(let index), .list(let elements)):
                guard index < elements.count else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}

// MARK: Two paths

extension DocumentPath {
    enum Relation {
        case apart
        /// One leads to the other, or they are the same.
        case overlapping
        /// One takes for a map what the other takes for a list.
        case conflicting
    }

    func relation(to other: DocumentPath) -> Relation {
        guard attribute == other.attribute else { return .apart }
        for (mine, theirs) in zip(steps, other.steps) where mine != theirs {
            switch (mine, theirs) {
            case (.name, .name), (.index, .index): return .apart
            default: return .conflicting
            }
        }
        return .overlapping
    }
}

/// A tree of paths: what of an item is asked for.
package struct Projection: Hashable, Sendable {
    /// What is asked for below a place.
    private enum Node: Hashable, Sendable {
        case whole
        case members([AttributeName: Node])
        case elements([Int: Node])
    }

    private var attributes: [AttributeName: Node] = [:]

    package init(_ paths: [DocumentPath]) {
        for path in paths {
            attributes[path.attribute] = Self.adding(path.steps[...], to: attributes[path.attribute])
        }
    }

    /// Whole attributes.
    init(attributes names: some Sequence<AttributeName>) {
        attributes = Dictionary(names.map { ($0, .whole) }) { $1 }
    }

    private static func adding(_ steps: ArraySlice<DocumentPath.Step>, to node: Node?) -> Node {
        guard let step = steps.first else { return .whole }
        switch (step, node) {
        case (_, .whole): return .whole
        case (.name(let name), .members(var members)):
            members[name] = adding(steps.dropFirst(), to: members[name])
            return .members(members)
        case (.index(let index), .elements(var elements)):
            elements[index] = adding(steps.dropFirst(), to: elements[index])
            return .elements(elements)
        // Two that conflict are refused before; of two that did not, the first would count.
        case (_, .some(let node)): return node
        case (.name(let name), nil): return .members([name: adding(steps.dropFirst(), to: nil)])
        case (.index(let index), nil): return .elements([index: adding(steps.dropFirst(), to: nil)])
        }
    }

    /// An attribute that it asks for, or a part of which, and another does not; nil where there is none.
    func attribute(notIn other: Projection) -> AttributeName? { attributes.keys.first { other.attributes[$0] == nil } }

    /// What it leaves of an item.
    package func of(_ item: Item) -> Item {
        var projected: Item = [:]
        for (name, node) in attributes {
            if let value = item[name].flatMap({ Self.part(node, of: $0) }) { projected[name] = value }
        }
        return projected
    }

    private static func part(_ node: Node, of value: AttributeValue) -> AttributeValue? {
        switch (node, value) {
        case (.whole, _): return value
        case (.members(let wanted), .map(let members)):
            var parts: Item = [:]
            for (name, node) in wanted {
                if let part = members[name].flatMap({ part(node, of: $0) }) { parts[name] = part }
            }
            return parts.isEmpty ? nil : .map(parts)
        case (.elements(let wanted), .list(let elements)):
            let parts = wanted.keys.sorted().compactMap { index in
                index < elements.count ? wanted[index].flatMap { part($0, of: elements[index]) } : nil
            }
            return parts.isEmpty ? nil : .list(parts)
        default: return nil
        }
    }
}
