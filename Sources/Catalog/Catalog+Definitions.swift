/// Fences, and the definitions and small states of the rooms above the store.

import Foundation
import GRDB
public import StreamStore

extension Catalog {
    /// Raises an owner's epoch by one, durably, and returns the new one; the first is 1.
    public func raiseFence(owner: String) async throws(CatalogError) -> UInt64 {
        let path = path
        return try await write(.fence) { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    INSERT INTO fence (owner, epoch) VALUES (?, 1)
                    ON CONFLICT (owner) DO UPDATE SET epoch = epoch + 1 RETURNING epoch
                    """, arguments: [owner])
            guard let epoch = row?.natural(0) else {
                throw CatalogError.damaged(path: path, detail: "the epoch of \(owner) is no natural number")
            }
            return epoch
        }
    }

    /// A definition's value; nil when there is none.
    public func definition(_ key: DefinitionKey) async throws(CatalogError) -> [UInt8]? {
        try await read { db in
            try Row.fetchOne(
                db, sql: "SELECT value FROM definition WHERE kind = ? AND name = ?",
                arguments: [key.kind.rawValue, key.name])?.bytes(0)
        }
    }

    /// All definitions of a kind, by name.
    public func definitions(_ kind: DefinitionKind) async throws(CatalogError) -> [(name: String, value: [UInt8])] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT name, value FROM definition WHERE kind = ? ORDER BY name", arguments: [kind.rawValue]
            ).compactMap { row in
                guard let name = row.text(0), let value = row.bytes(1) else { return nil }
                return (name: name, value: value)
            }
        }
    }

    /// Sets (or with nil removes) definitions in one transaction.
    public func setDefinitions(_ changes: [(key: DefinitionKey, value: [UInt8]?)]) async throws(CatalogError) {
        try await write { db in
            for (key, value) in changes {
                if let value {
                    try db.execute(
                        sql: "INSERT OR REPLACE INTO definition (kind, name, value) VALUES (?, ?, ?)",
                        arguments: [key.kind.rawValue, key.name, Data(value)])
                } else {
                    try db.execute(
                        sql: "DELETE FROM definition WHERE kind = ? AND name = ?",
                        arguments: [key.kind.rawValue, key.name])
                }
            }
        }
    }
}
