/// A backup of a running store, as an archive that is made while it is read.

import Catalog
import Codecs
public import Host
import StreamLog
import Synchronization
import TarArchive

/// One backup. It holds all that was acknowledged when it was begun and nothing else.
///
/// Memory: a few pieces, the catalog, a line for each file, and at first the batches that no segment held. Call `close()` when done, whether
/// it was read to its end or not: until then no file of the log is deleted.
public final class StoreBackup<D: Disk>: Sendable {
    private let maker: ArchiveMaker<D>
    private let thread = IOThreads(name: "backup", count: 1)
    private let onClose: @Sendable () -> Void
    private let isClosed = Atomic<Bool>(false)

    fileprivate init(_ maker: ArchiveMaker<D>, onClose: @escaping @Sendable () -> Void) {
        self.maker = maker
        self.onClose = onClose
    }

    deinit { close() }

    /// The next bytes of the archive, about 1 MB; nil at its end. Called by one task at a time.
    /// - Throws: `.failed` when a file cannot be read: the archive ends there, without the manifest that makes it a backup.
    public func next() async throws(BackupError) -> [UInt8]? {
        guard !isClosed.load(ordering: .acquiring) else { throw .failed("the backup was closed") }
        return try await thread.run { [maker] in maker.next() }.get()
    }

    /// Lets the store delete what was kept for this backup. Calling it twice is harmless.
    public func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        // It waits for the piece that is being read, so not here.
        _ = IOThread(name: "backup-close") { [maker, thread, onClose] in
            thread.close()
            maker.close()
            onClose()
        }
    }
}

extension EmbeddedStore {
    /// Begins a backup of this moment. Appends and everything else go on meanwhile, but files that retention or a deletion frees stay
    /// until the backup is closed.
    ///
    /// The log's moment lies in one pass of the catalog's queue with the copy of the catalog: positions, fences and checkpoints in it
    /// are never ahead of the records.
    /// - Throws: `.busy` while there is another one, `.failed`.
    public func backup() async throws(BackupError) -> StoreBackup<D> {
        let mayBegin = state.withLock { state in
            defer { state.backupIsRunning = true }
            return !state.backupIsRunning
        }
        guard mayBegin else { throw .busy }
        let end: @Sendable () -> Void = { [weak self] in self?.state.withLock { $0.backupIsRunning = false } }
        do throws(CatalogError) {
            let (catalogBytes, snapshot) = try await catalog.copy { [log] in log.snapshot() }
            let manifest = BackupManifest(
                createdMilliseconds: time.wallMilliseconds(), journalFrame: snapshot.lastFrame,
                streams: state.withLock { $0.directory.entries.count }, records: snapshot.records)
            return StoreBackup(ArchiveMaker(snapshot, catalog: catalogBytes, manifest: manifest), onClose: end)
        } catch {
            end()
            throw .failed("\(error)")
        }
    }
}

/// Turns the files of a snapshot into an archive: the log, the catalog, the manifest. Used by one thread at a time.
private final class ArchiveMaker<D: Disk>: @unchecked Sendable {
    private enum Stage {
        case log, catalog, manifest, end, done
        /// Before its end.
        case closed
    }

    private let snapshot: LogSnapshot<D>
    private var files: SnapshotFiles<D>
    private var catalog: [UInt8]
    private var manifest: BackupManifest
    private var stage = Stage.log
    private var member: TarMember?
    private var written: UInt64 = 0
    private var checksum: UInt32 = 0

    init(_ snapshot: LogSnapshot<D>, catalog: [UInt8], manifest: BackupManifest) {
        self.snapshot = snapshot
        files = SnapshotFiles(snapshot)
        self.catalog = catalog
        self.manifest = manifest
    }

    func close() {
        files.close()
        snapshot.release()
        if stage != .done { stage = .closed }
    }

    func next() -> Result<[UInt8]?, BackupError> {
        do throws(BackupError) {
            return .success(try piece())
        } catch {
            close()
            return .failure(error)
        }
    }

    private func piece() throws(BackupError) -> [UInt8]? {
        switch stage {
        case .log: return try logPiece()
        case .catalog:
            stage = .manifest
            let content = catalog
            catalog = []
            return try begin(StorePaths.catalog, bytes: UInt64(content.count)) + add(content) + endMember()
        case .manifest:
            stage = .end
            let content = try manifest.encoded()
            guard content.count <= BackupManifest.maxBytes else { throw .failed("the store has too many files for a backup") }
            let header = try begin(BackupManifest.path, bytes: UInt64(content.count))
            return header + content + [UInt8](repeating: 0, count: member?.paddingBytes ?? 0)
        case .end:
            stage = .done
            return TarMember.end
        case .done: return nil
        case .closed: throw .failed("the backup was closed")
        }
    }

    /// Files of the log, several small ones together.
    private func logPiece() throws(BackupError) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < 512 << 10 {
            let piece: SnapshotFiles<D>.Piece?
            do throws(DiskError) {
                piece = try files.next()
            } catch {
                throw .failed("\(error)")
            }
            switch piece {
            case .file(let path, let size)?: bytes += try endMember() + begin(path, bytes: size)
            case .data(let data)?: bytes += add(data)
            case nil:
                snapshot.release()
                stage = .catalog
                return try bytes + endMember()
            }
        }
        return bytes
    }

    private func begin(_ path: String, bytes: UInt64) throws(BackupError) -> [UInt8] {
        do throws(TarError) {
            let next = try TarMember(path: path, size: bytes, modifiedSeconds: UInt64(max(0, manifest.createdMilliseconds) / 1000))
            member = next
            written = 0
            checksum = 0
            return next.header()
        } catch {
            throw .failed("\(error)")
        }
    }

    private func add(_ data: [UInt8]) -> [UInt8] {
        written += UInt64(data.count)
        checksum = CRC32C.checksum(data, continuing: checksum)
        return data
    }

    private func endMember() throws(BackupError) -> [UInt8] {
        guard let ended = member else { return [] }
        guard written == ended.size else {
            throw .failed("\(ended.path) has \(written) bytes, not the \(ended.size) that were announced")
        }
        manifest.members.append(BackupManifest.Member(path: ended.path, bytes: ended.size, crc32c: checksum))
        member = nil
        return [UInt8](repeating: 0, count: ended.paddingBytes)
    }
}
