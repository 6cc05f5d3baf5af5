/// Small values of the node itself, by name.

import Foundation
import GRDB

extension Catalog {
    /// A value; nil where none was set.
    public func nodeValue(_ name: String) async throws(CatalogError) -> [UInt8]? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT value FROM node_value WHERE name = ?", arguments: [name])?.bytes(0)
        }
    }

    /// Sets a value, durably.
    public func setNodeValue(_ name: String, to value: [UInt8]) async throws(CatalogError) {
        try await write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO node_value (name, value) VALUES (?, ?)", arguments: [name, Data(value)])
        }
    }
}
