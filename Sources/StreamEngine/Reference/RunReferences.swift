/// The reference tables of a run: which files they are read from, and when they are read again.

import Host
import StreamSQL
import Synchronization

/// Rows of a table as of a version of its object.
struct ReferenceContents: Sendable {
    var table: String
    var rows: ColumnBatch
    var version: String
}

/// Looks after the objects of an application's tables. A change is read and decoded beside the run, which goes on with the rows that it has until the new ones are
/// whole.
struct RunReferences {
    private let references: [ApplicationReference]
    private let files: (any ReferenceFiles)?
    private var lastLook: UInt64 = 0
    /// What is being read.
    private var reading: Reading?
    /// Why the last look failed.
    private(set) var trouble: String?
    /// Versions that cannot be read or decoded, so that they are tried once.
    private var refused: [String: String] = [:]

    /// So often changes are looked for, in nanoseconds.
    private static let pace: UInt64 = 1_000_000_000

    init(_ references: [ApplicationReference], _ files: (any ReferenceFiles)?) {
        self.references = references
        self.files = files
    }

    var isEmpty: Bool { references.isEmpty }

    /// An object that is read and decoded by a task of its own.
    private final class Reading: Sendable {
        let table: String
        let version: String
        private let result = Mutex<Result<ReferenceContents, ReferenceFailure>?>(nil)

        init(_ reference: ApplicationReference, _ files: any ReferenceFiles, version: String) {
            (table, self.version) = (reference.tableName, version)
            Task { [self] in
                let contents: Result<ReferenceContents, ReferenceFailure>
                do throws(ReferenceFailure) {
                    contents = .success(try await RunReferences.read(reference, files))
                } catch {
                    contents = .failure(error)
                }
                result.withLock { $0 = contents }
            }
        }

        var outcome: Result<ReferenceContents, ReferenceFailure>? { result.withLock { $0 } }
    }

    /// Reads the tables for which that must be done before the run can begin.
    func load(where isMissing: (_ table: String) -> Bool) async throws(ReferenceFailure) -> [ReferenceContents] {
        var all: [ReferenceContents] = []
        for reference in references where isMissing(reference.tableName) {
            guard let files else { throw ReferenceFailure("there are no buckets here to read \(reference.tableName) from") }
            all.append(try await Self.read(reference, files))
        }
        return all
    }

    /// Looks for changes now and then.
    /// - Parameters:
    ///   - version: that of the rows at hand.
    ///   - now: monotonic nanoseconds.
    /// - Returns: new rows of a table, once they are whole.
    mutating func changed(version: (_ table: String) -> String?, now: UInt64) async -> ReferenceContents? {
        if let reading {
            guard let outcome = reading.outcome else { return nil }
            self.reading = nil
            switch outcome {
            case .success(let contents):
                trouble = nil
                return contents
            case .failure(let failure):
                refuse(reading.table, reading.version, failure.message)
                return nil
            }
        }
        guard let files, lastLook == 0 || now >= lastLook + Self.pace else { return nil }
        lastLook = now
        var failure: String?
        for reference in references {
            do throws(ReferenceFailure) {
                let found = try await files.version(of: reference.object)
                if found == version(reference.tableName) { continue }
                if refused[reference.tableName] == found {
                    failure = trouble
                    continue
                }
                reading = Reading(reference, files, version: found)
                return nil
            } catch {
                // The rows at hand stay.
                failure = "reference table \(reference.tableName): \(error.message)"
            }
        }
        trouble = failure
        return nil
    }

    /// Rows that the program cannot take, or an object that cannot be read: the rows at hand stay until it changes once more.
    mutating func refuse(_ table: String, _ version: String, _ reason: String) {
        refused[table] = version
        trouble = "reference table \(table) is not read again: \(reason)"
    }

    private static func read(_ reference: ApplicationReference, _ files: any ReferenceFiles) async throws(ReferenceFailure)
        -> ReferenceContents
    {
        do {
            let (bytes, version) = try await files.contents(of: reference.object)
            let rows = try ReferenceRows.decode(bytes, schema: reference.schema)
            return ReferenceContents(table: reference.tableName, rows: rows, version: version)
        } catch let error as ReferenceRows.Refusal {
            throw ReferenceFailure("reference table \(reference.tableName): \(reference.object.key): \(error.message)")
        } catch let error as ReferenceFailure {
            throw ReferenceFailure("reference table \(reference.tableName): \(error.message)")
        } catch {
            throw ReferenceFailure("reference table \(reference.tableName): \(error)")
        }
    }
}
