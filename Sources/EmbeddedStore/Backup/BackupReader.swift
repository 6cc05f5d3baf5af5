/// Reads a backup as its bytes come in and checks all of it: shared by those who receive one and those who restore one.

import Codecs
public import TarArchive

/// Takes a backup apart. Memory: the manifest and one line of it for each file.
public struct BackupReader: Sendable {
    /// What the bytes handed over mean.
    public enum Event {
        case file(TarMember)
        /// A part of the file's content; valid during the call.
        case data(UnsafeRawBufferPointer)
        case fileEnd
    }

    private var tar = TarReader()
    private var found: [BackupManifest.Member] = []
    private var member: TarMember?
    private var checksum: UInt32 = 0
    private var manifestBytes: [UInt8]?
    /// A file that no backup of ours has: the manifest tells whether another version made it.
    private var strange: String?
    private var isInStrange = false

    public init() {}

    /// Bytes taken in so far.
    public var position: UInt64 { tar.position }

    /// Takes in a piece.
    /// - Throws: `BackupError.damaged`, and what `handle` throws.
    public mutating func consume(_ piece: UnsafeRawBufferPointer, _ handle: (Event) throws -> Void) throws {
        var tar = tar
        defer { self.tar = tar }
        do {
            try tar.consume(piece) { event in try take(event, handle) }
        } catch let error as TarError {
            throw BackupError.damaged("\(error)")
        }
    }

    /// To be called after the last piece.
    /// - Returns: what the backup holds; every checksum was right.
    /// - Throws: `.damaged`, `.unknownFormat`.
    public func finish() throws(BackupError) -> BackupManifest {
        do throws(TarError) {
            try tar.finish()
        } catch {
            throw .damaged("\(error)")
        }
        guard let manifestBytes else { throw .damaged("it has no manifest") }
        let manifest = try BackupManifest(decoding: manifestBytes)
        if let strange { throw .damaged("it holds \(strange), which no backup has") }
        for (read, promised) in zip(found, manifest.members) where read != promised {
            throw .damaged("\(read.path) is not what the manifest says")
        }
        guard found.count == manifest.members.count else {
            throw .damaged("it holds \(found.count) files, and \(manifest.members.count) by its manifest")
        }
        guard Set(found.map(\.path)).count == found.count else { throw .damaged("it holds a file twice") }
        guard found.contains(where: { $0.path == StorePaths.catalog }) else { throw .damaged("it has no catalog") }
        return manifest
    }

    private mutating func take(_ event: TarReader.Event, _ handle: (Event) throws -> Void) throws {
        switch event {
        case .member(let next):
            guard manifestBytes == nil else { throw BackupError.damaged("\(next.path) stands after the manifest") }
            if next.path == BackupManifest.path {
                guard next.size <= UInt64(BackupManifest.maxBytes) else { throw BackupError.damaged("its manifest is too long") }
                manifestBytes = []
                return
            }
            guard StorePaths.areInBackups(next.path) else {
                strange = strange ?? next.path
                isInStrange = true
                return
            }
            member = next
            checksum = 0
            try handle(.file(next))
        case .data(let data):
            if isInStrange { return }
            if member == nil {
                manifestBytes?.append(contentsOf: data)
            } else {
                checksum = CRC32C.checksum(data, continuing: checksum)
                try handle(.data(data))
            }
        case .memberEnd:
            isInStrange = false
            guard let ended = member else { return }
            found.append(BackupManifest.Member(path: ended.path, bytes: ended.size, crc32c: checksum))
            member = nil
            try handle(.fileEnd)
        case .end: break
        }
    }
}

/// What lies where in a data directory, as far as backups go.
enum StorePaths {
    static let catalog = "catalog.sqlite"
    /// The name of a value in the catalog.
    static let retentionClock = "retention-clock"

    /// Whether a file of a backup may lie here.
    static func areInBackups(_ path: String) -> Bool {
        path == catalog || path.hasPrefix("journal/") || path.hasPrefix("logs/")
    }
}
