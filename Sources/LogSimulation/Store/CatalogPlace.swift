/// Where the catalogs of simulated stores lie: SQLite needs real files.

internal import Foundation
internal import Synchronization

/// A directory of its own for one seed, in memory where the machine has such a file system. It goes with the value.
final class CatalogPlace: Sendable {
    private static let count = Atomic<Int>(0)

    let path: String

    init?() {
        let memory = "/dev/shm"
        let files = FileManager.default
        let base = files.isWritableFile(atPath: memory) ? memory : files.temporaryDirectory.path
        let number = CatalogPlace.count.wrappingAdd(1, ordering: .relaxed).newValue
        path = "\(base)/log-simulator-\(ProcessInfo.processInfo.processIdentifier)-\(number)"
        do {
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            return nil
        }
    }

    /// Takes the directory away; `deinit` alone may come too late, when the process ends with the run.
    func remove() { try? FileManager.default.removeItem(atPath: path) }

    deinit { remove() }
}
