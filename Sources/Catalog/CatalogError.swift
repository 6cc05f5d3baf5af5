/// What the catalog refuses or fails with.

import GRDB

/// An error of the catalog, with what an operator needs to know in its description.
public enum CatalogError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file is no sound SQLite database or its content contradicts itself. Nothing was changed.
    case damaged(path: String, detail: String)
    /// A newer program has migrated the file. Nothing was changed.
    case newer(path: String, migrations: [String])
    /// A sound SQLite database that is not a catalog of Millrace. Nothing was changed.
    case foreign(path: String)
    /// A full or failing disk, a locked file, a closed catalog: in SQLite's words.
    case failed(path: String, detail: String)

    public var description: String {
        switch self {
        case .damaged(let path, let detail):
            "the catalog \(path) is damaged (\(detail)); restore it from a backup: the records beside it are untouched"
        case .newer(let path, let migrations):
            "the catalog \(path) was written by a newer version (it has \(migrations.joined(separator: ", "))); "
                + "run that version or a later one"
        case .foreign(let path):
            "\(path) is an SQLite database of another program; choose another data directory"
        case .failed(let path, let detail):
            "the catalog \(path) failed: \(detail)"
        }
    }

    /// Sorts SQLite's result codes into damage and everything else.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as CatalogError:
            self = error
        case let error as DatabaseError
        where error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB:
            self = .damaged(path: path, detail: "\(error)")
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
            self = .failed(path: path, detail: "the disk is full")
        default:
            self = .failed(path: path, detail: "\(error)")
        }
    }
}
