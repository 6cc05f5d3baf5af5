/// `millrace restore`: a data directory out of a backup.

import ArgumentParser
import EmbeddedStore
import Foundation
import Glibc
import Host
import StreamLog

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a data directory of a backup.",
        discussion: """
            Every checksum of the backup and then of the records in it is checked. Until all is well and durable the directory has no \
            catalog, and no server starts on it.

            Exit status: 0 restored, 3 no such file, 4 the directory is not empty, 7 the backup is damaged (then nothing is left behind), or \
            it holds records that were damaged when it was made (then all the rest is there).
            """)
    @Argument(help: "The backup.") var file: String
    @Option(help: "The directory to make; absent or empty (default $MILLRACE_DATA_DIR, else ./millrace-data).") var dataDir: String?
    @OptionGroup var options: ScanOptions

    func run() async throws {
        let path = try DataDirectory.path(dataDir)
        let file = file
        let quiet = options.quiet
        let thread = IOThreads(name: "restore", count: 1)
        defer { thread.close() }
        let manifest: BackupManifest
        do {
            manifest = try await thread.run { Result { try Self.restore(file, to: path, quiet: quiet) } }.get()
        } catch {
            throw BackupCommand.failure(error)
        }
        try await verify(path)
        try BackupSummary.print(manifest, file: file, as: options.output, verb: "Restored")
    }

    private static func restore(_ file: String, to path: String, quiet: Bool) throws -> BackupManifest {
        let source = open(file, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else {
            throw CommandFailure(errno == ENOENT ? .notFound : .failed, "\(file): \(String(cString: strerror(errno)))")
        }
        defer { close(source) }
        // A pipe has no length, and no progress to be shown.
        let total = UInt64(max(0, lseek(source, 0, SEEK_END)))
        lseek(source, 0, SEEK_SET)
        // Looked at before the disk is opened, which would leave a lock in somebody's directory.
        if let looked = try? ReadOnlyDisk(root: path) { _ = try StoreRestore(disk: looked) }
        let existed = access(path, F_OK) == 0
        let disk: RealDisk
        do throws(DiskError) {
            disk = try RealDisk(root: path)
        } catch {
            throw CommandFailure(error.operation == "lock" ? .conflict : .failed, "\(path) cannot be used: \(error)")
        }
        defer { disk.close() }
        var restore = try StoreRestore(disk: disk)
        var bar = ProgressBar(quiet: quiet)
        defer { bar.clear() }
        do {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4_096)
            defer { buffer.deallocate() }
            var done: UInt64 = 0
            while true {
                let count = read(source, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw CommandFailure(.failed, "\(file): \(String(cString: strerror(errno)))") }
                if count == 0 { break }
                try restore.consume(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                done += UInt64(count)
                bar.update(bytes: done, of: total)
            }
            return try restore.finish()
        } catch {
            restore.abandon()
            // What was made for it alone goes too; a directory that was there stays, empty as it was.
            try? disk.remove("lock")
            if !existed { rmdir(path) }
            throw error
        }
    }

    /// Checksums that a backup carries tell that it is as it was made; this tells whether the records were right then.
    private func verify(_ path: String) async throws {
        let disk = try VerifyCommand.open(path)
        let summary: VerificationSummary
        do throws(DiskError) {
            summary = try await StoreVerification.run(disk: disk, directory: path) { _ in }
        } catch {
            throw CommandFailure(.failed, "\(path) was restored, but cannot be read: \(error)")
        }
        if let unknown = summary.unknownFormat {
            throw CommandFailure(.failed, "\(path) was restored, but this version cannot open it: \(unknown)")
        }
        guard summary.damages > 0 else { return }
        throw CommandFailure(
            .damaged,
            "\(path) was restored, but what the backup holds was damaged in \(Amount.count(summary.damages)) places when it was made; "
                + "`millrace verify --data-dir \(path)` names them.")
    }
}
