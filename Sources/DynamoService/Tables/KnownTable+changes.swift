/// What a table's definition makes of an item: its key, what stands in the indexes, the changes that a write comes to.

import AWSWire
import LatestValues

extension KnownTable {
    // MARK: Keys

    /// The key of an item that is to be written, checked with all that its indexes ask of it.
    func key(ofItem item: Item) throws(AWSError) -> ItemKey {
        for element in keys {
            guard let value = item[element.name] else {
                throw .invalidParameter("Missing the key \(element.shownName) in the item")
            }
            guard value.kind == element.kind else {
                throw .invalidParameter(
                    "Type mismatch for key \(element.shownName) expected: \(element.kind.rawValue) actual: \(value.kind.rawValue)")
            }
            try element.check(sizeOf: value)
        }
        return ItemKey(partition: item[partition.name] ?? .null, sort: sort.flatMap { item[$0.name] })
    }

    /// The key that a request names an item by.
    func key(named key: Item) throws(AWSError) -> ItemKey {
        guard key.count == keys.count else { throw .invalid("The provided key element does not match the schema") }
        for element in keys {
            guard let value = key[element.name], value.kind == element.kind else {
                throw .invalid("The provided key element does not match the schema")
            }
            try element.check(sizeOf: value)
        }
        return ItemKey(partition: key[partition.name] ?? .null, sort: sort.flatMap { key[$0.name] })
    }

    /// The attributes of a key.
    func attributes(of key: ItemKey) -> Item {
        var item: Item = [partition.name: key.partition]
        if let sort, let value = key.sort { item[sort.name] = value }
        return item
    }

    /// Checks the attributes of an item that indexes have for keys.
    /// - Parameter names: of the attributes that are written; nil for all.
    func checkIndexKeys(of item: Item, writing names: Set<AttributeName>? = nil) throws(AWSError) {
        for index in indexes {
            for element in index.keys where names?.contains(element.name) ?? true {
                guard let value = item[element.name] else { continue }
                guard value.kind == element.kind else {
                    throw .invalidParameter(
                        "Type mismatch for Index Key \(element.shownName) Expected: \(element.kind.rawValue) Actual: "
                            + "\(value.kind.rawValue) IndexName: \(index.definition.name)")
                }
                do throws(AWSError) { try element.check(sizeOf: value) } catch {
                    guard error.message?.contains("empty") ?? false else { throw error }
                    throw .invalid(
                        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
                            + "The AttributeValue for a key attribute cannot contain an empty "
                            + "\(element.kind == .string ? "string" : "binary") value. IndexName: \(index.definition.name), IndexKey: "
                            + element.shownName)
                }
            }
        }
    }

    // MARK: Changes

    /// What stands elsewhere because of an item: in indexes and among the times of expiry.
    func derived(from item: Item) throws(AWSError) -> [(key: [UInt8], value: [UInt8])] {
        guard !indexes.isEmpty || definition.timeToLive != nil else { return [] }
        let itemKey = ItemKey(partition: item[partition.name] ?? .null, sort: sort.flatMap { item[$0.name] })
        var derived: [(key: [UInt8], value: [UInt8])] = []
        for index in indexes {
            guard let key = index.key(of: item) else { continue }
            derived.append(
                (
                    KeyCoding.key(table: number, index: index.definition.number, key, of: itemKey),
                    ItemCoding.encode(index.projection?.of(item) ?? item)
                ))
        }
        if let expiry = definition.expiry(of: item) {
            derived.append((KeyCoding.key(table: number, expiring: expiry, itemKey), [ItemCoding.version]))
        }
        return derived
    }

    /// The changes that make one item of another; the item's own is the first.
    func changes(of key: [UInt8], from old: Tables.Stored?, to new: Item?) throws(AWSError) -> [LatestChange] {
        // Nobody else writes and the key is locked: the condition holds, unless the program is wrong.
        let condition = old.map { LatestChange.Condition.revision($0.revision) } ?? .absent
        var changes = [LatestChange(key, to: new.map { ItemCoding.encode($0) }, if: condition)]
        guard !indexes.isEmpty || definition.timeToLive != nil else { return changes }
        let before = try old.map { old throws(AWSError) in try derived(from: old.item) } ?? []
        let after = try new.map { new throws(AWSError) in try derived(from: new) } ?? []
        for (key, _) in before where !after.contains(where: { $0.key == key }) { changes.append(LatestChange(key, to: nil)) }
        for (key, value) in after where !before.contains(where: { $0.key == key && $0.value == value }) {
            changes.append(LatestChange(key, to: value))
        }
        return changes
    }
}
