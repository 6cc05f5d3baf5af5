/// What an UpdateExpression becomes, and what it makes of an item.

package import AWSWire

/// Changes of an item: each reads the item as it was, then all are made.
package struct UpdateProgram: Hashable, Sendable {
    /// What a path is set to.
    package indirect enum Value: Hashable, Sendable {
        case path(DocumentPath)
        case value(AttributeValue)
        case ifNotExists(DocumentPath, Value)
        case listAppend(Value, Value)
        case sum(Value, Value)
        case difference(Value, Value)
    }

    struct Setting: Hashable, Sendable {
        var path: DocumentPath
        var value: Value
    }

    struct Change: Hashable, Sendable {
        var path: DocumentPath
        var value: AttributeValue
    }

    var sets: [Setting] = []
    var removals: [DocumentPath] = []
    var additions: [Change] = []
    /// Elements to be taken out of sets.
    var deletions: [Change] = []

    /// All paths that it changes.
    var paths: [DocumentPath] { sets.map(\.path) + removals + additions.map(\.path) + deletions.map(\.path) }

    // MARK: Making the changes

    /// What it makes of an item.
    /// - Throws: `.validation` where the item is not as the changes need it.
    package func applied(to old: Item) throws(AWSError) -> Item {
        var new = old
        // Where a list is set past its end, the values are appended in the order of their places.
        var values: [(path: DocumentPath, value: AttributeValue)] = []
        // What would never fit into an item is not made, however often an expression doubles it.
        var room = 8 * Item.mostBytes
        for setting in sets {
            let value = try Self.value(setting.value, in: old, &room)
            room -= value.size
            guard room >= 0 else { throw Self.tooLarge }
            values.append((setting.path, value))
        }
        for addition in additions { values.append((addition.path, try Self.sum(addition, in: old))) }
        var gone: [DocumentPath] = []
        for removal in removals {
            try Self.checkParent(of: removal, in: old)
            if removal.value(in: old) != nil { gone.append(removal) }
        }
        for deletion in deletions {
            guard let set = deletion.path.value(in: old) else { continue }
            guard let rest = set.subtracting(deletion.value) else { throw Self.wrongType }
            if let rest { values.append((deletion.path, rest)) } else { gone.append(deletion.path) }
        }
        for (path, value) in values.sorted(by: { $0.path.sortsBefore($1.path) }) { try Self.set(path, to: value, in: &new) }
        // Of a list the last places first, so that the others keep theirs.
        for path in gone.sorted(by: { $1.sortsBefore($0) }) { Self.remove(path, from: &new) }
        for path in paths where new[path.attribute].map({ $0.levels > AttributeValue.mostLevels }) ?? false {
            throw .invalid("Nesting Levels have exceeded supported limits")
        }
        return new
    }

    private static let wrongType = AWSError.invalid("An operand in the update expression has an incorrect data type")
    private static let wrongPath = AWSError.invalid("The document path provided in the update expression is invalid for update")
    private static let noAttribute = AWSError.invalid(
        "The provided expression refers to an attribute that does not exist in the item")

    private static let tooLarge = AWSError.invalid("Item size to update has exceeded the maximum allowed size")

    /// - Parameter room: bytes that lists may still be made of.
    private static func value(_ value: Value, in item: Item, _ room: inout Int) throws(AWSError) -> AttributeValue {
        switch value {
        case .value(let value): return value
        case .path(let path):
            guard let value = path.value(in: item) else { throw noAttribute }
            return value
        case .ifNotExists(let path, let other):
            if let value = path.value(in: item) { return value }
            return try self.value(other, in: item, &room)
        case .listAppend(let left, let right):
            guard case .list(let first) = try self.value(left, in: item, &room),
                case .list(let second) = try self.value(right, in: item, &room)
            else { throw wrongType }
            // An element takes two bytes at least, so this costs no more than what it forbids.
            let least = 2 * (first.count + second.count)
            room -= least <= room ? AttributeValue.list(first).size + AttributeValue.list(second).size : least
            guard room >= 0 else { throw tooLarge }
            return .list(first + second)
        case .sum(let left, let right):
            return try sum(self.value(left, in: item, &room), self.value(right, in: item, &room))
        case .difference(let left, let right):
            guard case .number(let number) = try self.value(right, in: item, &room) else { throw wrongType }
            return try sum(self.value(left, in: item, &room), .number(-number))
        }
    }

    private static func sum(_ left: AttributeValue, _ right: AttributeValue) throws(AWSError) -> AttributeValue {
        guard case .number(let left) = left, case .number(let right) = right else { throw wrongType }
        do throws(DynamoNumber.Problem) {
            return .number(try DynamoNumber.sum(left, right))
        } catch {
            throw error.error(of: [])
        }
    }

    private static func sum(_ addition: Change, in item: Item) throws(AWSError) -> AttributeValue {
        guard let old = addition.path.value(in: item) else { return addition.value }
        if case .number = addition.value { return try sum(old, addition.value) }
        // The older form of updates adds to lists too.
        if case .list(let first) = old, case .list(let second) = addition.value { return .list(first + second) }
        guard let union = old.union(addition.value) else { throw wrongType }
        return union
    }

    // MARK: Places

    private static func checkParent(of path: DocumentPath, in item: Item) throws(AWSError) {
        guard let last = path.steps.last else { return }
        let parent = DocumentPath(path.attribute, Array(path.steps.dropLast())).value(in: item)
        switch (last, parent) {
        case (.name, .map), (.index, .list): return
        default: throw wrongPath
        }
    }

    private static func set(_ path: DocumentPath, to value: AttributeValue, in item: inout Item) throws(AWSError) {
        guard !path.steps.isEmpty else { return item[path.attribute] = value }
        guard var place = item[path.attribute] else { throw wrongPath }
        // The item must not hold it too, or it would be copied.
        item[path.attribute] = nil
        try set(path.steps[...], to: value, in: &place)
        item[path.attribute] = place
    }

    private static func set(
        _ steps: ArraySlice<DocumentPath.Step>, to value: AttributeValue, in place: inout AttributeValue
    ) throws(AWSError) {
        guard let step = steps.first else { return place = value }
        switch (step, place) {
        case (.name(let name), .map(var members)):
            place = .null
            if steps.count == 1 {
                members[name] = value
            } else {
                guard var member = members.removeValue(forKey: name) else { throw wrongPath }
                try set(steps.dropFirst(), to: value, in: &member)
                members[name] = member
            }
            place = .map(members)
        case (.index(let index), .list(var elements)):
            place = .null
            if index < elements.count {
                try set(steps.dropFirst(), to: value, in: &elements[index])
            } else {
                guard steps.count == 1 else { throw wrongPath }
                elements.append(value)
            }
            place = .list(elements)
        default: throw wrongPath
        }
    }

    private static func remove(_ path: DocumentPath, from item: inout Item) {
        guard !path.steps.isEmpty else { return item[path.attribute] = nil }
        guard var place = item[path.attribute] else { return }
        item[path.attribute] = nil
        remove(path.steps[...], from: &place)
        item[path.attribute] = place
    }

    private static func remove(_ steps: ArraySlice<DocumentPath.Step>, from place: inout AttributeValue) {
        guard let step = steps.first else { return }
        switch (step, place) {
        case (.name(let name), .map(var members)):
            if steps.count == 1 {
                members[name] = nil
            } else if var member = members[name] {
                remove(steps.dropFirst(), from: &member)
                members[name] = member
            }
            place = .map(members)
        case (.index(let index), .list(var elements)) where index < elements.count:
            if steps.count == 1 { elements.remove(at: index) } else { remove(steps.dropFirst(), from: &elements[index]) }
            place = .list(elements)
        default: return
        }
    }
}

extension DocumentPath {
    /// An order in which the places of a list are in theirs.
    fileprivate func sortsBefore(_ other: DocumentPath) -> Bool {
        if attribute != other.attribute { return attribute.lexicographicallyPrecedes(other.attribute) }
        for (mine, theirs) in zip(steps, other.steps) where mine != theirs {
            switch (mine, theirs) {
            case (.index(let mine), .index(let theirs)): return mine < theirs
            case (.name(let mine), .name(let theirs)): return mine.lexicographicallyPrecedes(theirs)
            case (.index, .name): return true
            case (.name, .index): return false
            }
        }
        return steps.count < other.steps.count
    }
}
