/// The directory that the benchmark writes in: fresh, on the disk that is to be measured, removed afterwards.

import FoundationEssentials

/// A fresh directory below one that was given.
struct WorkingDirectory {
    let path: String

    /// - Parameter parent: a directory on the disk to be measured.
    init(below parent: String) {
        path = parent + "/log-benchmark-" + UUID().uuidString.prefix(8).lowercased()
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            give(up: "\(path): \(error)")
        }
    }

    /// A name for a log's or a yardstick's files; nothing is there yet.
    func place(_ name: String) -> String { path + "/" + name }

    /// Removes one place.
    func clear(_ name: String) { try? FileManager.default.removeItem(atPath: place(name)) }

    /// Removes everything.
    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
