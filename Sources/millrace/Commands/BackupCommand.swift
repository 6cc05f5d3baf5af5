/// `millrace backup`: all streams, records and definitions of one moment, in one file.

import ArgumentParser
import EmbeddedStore
import Foundation
import Host
import StreamLog
import Synchronization

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Write a backup of a running server to a file.",
        discussion: """
            The file is a tar archive of a data directory as of one moment: every record acknowledged before it, all definitions and \
            checkpoints, and nothing later. The server goes on meanwhile. `millrace restore` makes a data directory of it.

            Objects that delivery streams have written (DIR/buckets) are files of their own and are not in it; copy them with any tool.

            Where no server runs, --data-dir opens the directory itself.
            """)
    @Argument(help: "The file to write; it must not exist.") var file: String
    @OptionGroup var server: ServerOptions
    @Option(help: "A data directory that no server uses.") var dataDir: String?
    @OptionGroup var options: ScanOptions

    func validate() throws {
        guard server.endpoint == nil || dataDir == nil else { throw ValidationError("Give --endpoint or --data-dir, not both.") }
    }

    func run() async throws {
        let receiver = try BackupReceiver(path: file, quiet: options.quiet)
        do {
            if let dataDir {
                try await copy(directory: dataDir, to: receiver)
            } else {
                try await server.client.download("/backup") { try await receiver.take($0) }
            }
            let manifest = try await receiver.finish()
            try BackupSummary.print(manifest, file: file, as: options.output, verb: "Backed up")
        } catch {
            await receiver.abandon()
            throw Self.failure(error)
        }
    }

    static func failure(_ error: any Error) -> any Error {
        switch error {
        case let error as BackupError:
            switch error {
            case .damaged: CommandFailure(.damaged, "\(error)")
            case .busy, .notEmpty: CommandFailure(.conflict, "\(error)")
            case .failed, .unknownFormat: CommandFailure(.failed, "\(error)")
            }
        default: error
        }
    }

    private func copy(directory: String, to receiver: BackupReceiver) async throws {
        // Opening a directory would make it; a backup of nothing is a mistake.
        _ = try VerifyCommand.open(directory)
        let disk: RealDisk
        do throws(DiskError) {
            disk = try RealDisk(root: directory)
        } catch {
            if error.operation == "lock" {
                throw CommandFailure(
                    .conflict, "\(directory) is in use by a server: leave out --data-dir, and the server makes the backup.")
            }
            throw CommandFailure(.failed, "\(directory) cannot be opened: \(error)")
        }
        defer { disk.close() }
        let store: EmbeddedStore<RealDisk>
        do {
            store = try await EmbeddedStore.open(
                disk: disk, directory: directory, time: SystemTime(), options: EmbeddedStoreOptions(retentionSweepSeconds: nil)
            ).store
        } catch {
            throw CommandFailure(.failed, "The store cannot be opened: \(error)")
        }
        do {
            let backup = try await store.backup()
            defer { backup.close() }
            while let piece = try await backup.next() { try await receiver.take(piece) }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }
}

/// Writes a backup to a file as it comes, checking all of it; the file gets its name when it is whole and durable.
private final class BackupReceiver: Sendable {
    private struct State {
        var descriptor: Int32
        var reader = BackupReader()
        var bar: ProgressBar
    }

    private let path: String
    private let temporary: String
    private let thread = IOThreads(name: "backup-file", count: 1)
    private let state: Mutex<State>

    init(path: String, quiet: Bool) throws(CommandFailure) {
        guard access(path, F_OK) != 0 else {
            throw CommandFailure(.conflict, "\(path) exists; choose another name, or remove it.")
        }
        self.path = path
        temporary = "\(path).\(getpid()).partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure(.failed, "\(temporary): \(String(cString: strerror(errno)))") }
        state = Mutex(State(descriptor: descriptor, bar: ProgressBar(quiet: quiet)))
    }

    func take(_ piece: [UInt8]) async throws {
        try await thread.run { [self] in Result { try takeNow(piece) } }.get()
    }

    private func takeNow(_ piece: [UInt8]) throws {
        try state.withLock { state in
            try piece.withUnsafeBytes { try state.reader.consume($0) { _ in } }
            guard Descriptor.write(state.descriptor, piece) else { throw Self.systemFailure(temporary) }
            state.bar.update(bytes: state.reader.position)
        }
    }

    /// - Throws: when the backup was not whole, or cannot be made durable.
    func finish() async throws -> BackupManifest {
        let manifest = try await thread.run { [self] in Result { try finishNow() } }.get()
        thread.close()
        return manifest
    }

    private func finishNow() throws -> BackupManifest {
        try state.withLock { state in
            state.bar.clear()
            let manifest = try state.reader.finish()
            guard fsync(state.descriptor) == 0, close(state.descriptor) == 0 else { throw Self.systemFailure(temporary) }
            state.descriptor = -1
            guard rename(temporary, path) == 0 else { throw Self.systemFailure(path) }
            let parent = (path as NSString).deletingLastPathComponent
            let directory = open(parent.isEmpty ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard directory >= 0 else { throw Self.systemFailure(parent) }
            defer { close(directory) }
            guard fsync(directory) == 0 else { throw Self.systemFailure(parent) }
            return manifest
        }
    }

    func abandon() async {
        state.withLock { state in
            state.bar.clear()
            if state.descriptor >= 0 { close(state.descriptor) }
            state.descriptor = -1
            unlink(temporary)
        }
    }

    private static func systemFailure(_ path: String) -> CommandFailure {
        CommandFailure(.failed, "\(path): \(String(cString: strerror(errno)))")
    }
}

/// What a backup holds, for people and for programs.
enum BackupSummary {
    private struct Line: Encodable {
        var file: String
        var createdMilliseconds: Int64
        var journalFrame: UInt64
        var streams: Int
        var records: Int64
        var files: Int
        var bytes: UInt64
    }

    static func print(_ manifest: BackupManifest, file: String, as format: DocumentFormat, verb: String) throws {
        if format == .json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let line = Line(
                file: file, createdMilliseconds: manifest.createdMilliseconds, journalFrame: manifest.journalFrame,
                streams: manifest.streams, records: manifest.records, files: manifest.members.count, bytes: manifest.totalBytes)
            return StandardOutput.line(String(decoding: try encoder.encode(line), as: UTF8.self))
        }
        let moment = Date(timeIntervalSince1970: Double(manifest.createdMilliseconds) / 1000).formatted(.iso8601)
        StandardOutput.line(
            "\(verb) \(Amount.count(manifest.streams)) streams, \(Amount.count(manifest.records)) records, "
                + "\(Amount.count(manifest.members.count)) files, \(Amount.bytes(manifest.totalBytes)), as of \(moment)")
    }
}
