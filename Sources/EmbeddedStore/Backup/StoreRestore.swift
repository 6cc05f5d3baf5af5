/// Makes a data directory out of a backup.

public import Host
import TarArchive

/// One restore, fed with the backup's bytes. All calls block.
///
/// The catalog gets its name last, after everything was checked and synced: a directory whose restore was cut short has records but no
/// catalog, and no store opens it.
public struct StoreRestore<D: Disk> {
    private let disk: D
    private var reader = BackupReader()
    private var file: D.File?
    private var offset: UInt64 = 0
    private var files: [String] = []
    /// Directories made, parents before children.
    private var directories: [String] = []
    private var made: Set<String> = []

    private static var unfinishedCatalog: String { "\(StorePaths.catalog).restoring" }
    /// What an empty directory may hold: our lock, and what mkfs makes.
    private static var harmless: Set<String> { ["lock", "lost+found/"] }

    /// - Throws: `.notEmpty` when the disk holds anything; `.failed` when it cannot be read.
    public init(disk: D) throws(BackupError) {
        self.disk = disk
        let names: [String]
        do throws(DiskError) {
            names = try disk.list("")
        } catch {
            throw .failed("\(error)")
        }
        let others = names.filter { !StoreRestore.harmless.contains($0) }
        guard others.isEmpty else { throw .notEmpty(others) }
    }

    /// Takes in a piece of the backup.
    /// - Throws: `BackupError`; then `abandon` is to be called.
    public mutating func consume(_ piece: UnsafeRawBufferPointer) throws {
        var reader = reader
        defer { self.reader = reader }
        do {
            try reader.consume(piece) { event in try take(event) }
        } catch let error as DiskError {
            throw BackupError.failed("\(error)")
        }
    }

    private mutating func take(_ event: BackupReader.Event) throws(DiskError) {
        switch event {
        case .file(let member):
            let path = member.path == StorePaths.catalog ? StoreRestore.unfinishedCatalog : member.path
            try makeParents(of: path)
            file = try disk.open(path, .createNew)
            files.append(path)
            offset = 0
        case .data(let data):
            try file?.write(data, at: offset)
            offset += UInt64(data.count)
        case .fileEnd:
            try file?.sync()
            file?.close()
            file = nil
        }
    }

    private mutating func makeParents(of path: String) throws(DiskError) {
        var parent = ""
        for part in path.split(separator: "/").dropLast() {
            parent += parent.isEmpty ? String(part) : "/\(part)"
            guard made.insert(parent).inserted else { continue }
            try disk.createDirectory(parent)
            directories.append(parent)
        }
    }

    /// Checks that the backup was whole, makes everything durable and gives the catalog its name.
    /// - Throws: `BackupError`; then `abandon` is to be called.
    public mutating func finish() throws(BackupError) -> BackupManifest {
        let manifest = try reader.finish()
        do throws(DiskError) {
            for directory in directories.reversed() { try disk.syncDirectory(directory) }
            try disk.syncDirectory("")
            try disk.rename(StoreRestore.unfinishedCatalog, to: StorePaths.catalog)
            try disk.syncDirectory("")
        } catch {
            throw .failed("\(error)")
        }
        return manifest
    }

    /// Removes what this restore has written, as far as that is possible.
    public mutating func abandon() {
        file?.close()
        file = nil
        for path in files.reversed() + directories.reversed() { try? disk.remove(path) }
        try? disk.remove(StorePaths.catalog)
        try? disk.syncDirectory("")
    }
}
