/// `millrace verify`: scans a data directory and names all damage.

import ArgumentParser
import EmbeddedStore
import Foundation
import Host
import StreamLog
import StreamStore
import Synchronization

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Scan a data directory for damage.",
        discussion: """
            Reads the catalog, the journal and every segment, checks every checksum, and prints a line for each finding and a sum. It changes \
            nothing and may run while a server uses the directory. Offsets count a shard's records from 0; frames are the journal's.

            Exit status: 0 no damage, 7 damage found, 3 no such directory, 1 it cannot be read, or another version wrote it.
            """)
    @Option(help: "The data directory (default $MILLRACE_DATA_DIR, else ./millrace-data).") var dataDir: String?
    @OptionGroup var options: ScanOptions

    func run() async throws {
        let path = try DataDirectory.path(dataDir)
        let disk = try Self.open(path)
        let report = VerificationReport(format: options.output, quiet: options.quiet)
        let summary: VerificationSummary
        do throws(DiskError) {
            summary = try await StoreVerification.run(disk: disk, directory: path) { report.take($0) }
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be read: \(error)")
        }
        report.end(summary)
        if let unknown = summary.unknownFormat { throw CommandFailure(.failed, "\(path): \(unknown)") }
        if summary.damages > 0 {
            throw CommandFailure(
                .damaged, "\(path): \(Amount.count(summary.damages)) finding\(summary.damages == 1 ? "" : "s") of damage.")
        }
    }

    /// The directory for reading.
    static func open(_ path: String) throws(CommandFailure) -> ReadOnlyDisk {
        let found: (disk: ReadOnlyDisk, isStore: Bool)
        do throws(DiskError) {
            let disk = try ReadOnlyDisk(root: path)
            found = (disk, try StoreVerification.isStore(disk))
        } catch {
            if error.kind == .notFound { throw CommandFailure(.notFound, "There is no directory \(path).") }
            throw CommandFailure(.failed, "\(path) cannot be opened: \(error)")
        }
        guard found.isStore else { throw CommandFailure(.notFound, "\(path) holds no data of Millrace.") }
        return found.disk
    }
}

/// Prints findings as they come, and the sum.
final class VerificationReport: Sendable {
    /// A finding as JSON: stable names.
    private struct Line: Encodable {
        var severity: String
        var kind: String
        var file: String
        var what: String
        var stream: String?
        var shard: String?
        var firstOffset: Int64?
        var lastOffset: Int64?
        var firstFrame: UInt64?
        var lastFrame: UInt64?

        init(_ found: StoreFinding) {
            let finding = found.finding
            severity = finding.severity.rawValue
            kind = finding.kind.rawValue
            file = finding.file
            what = finding.what
            stream = found.stream?.name
            shard = found.shard.map { "\($0)" }
            firstOffset = finding.offsets?.lowerBound
            lastOffset = finding.offsets.map { $0.upperBound - 1 }
            firstFrame = finding.frames?.lowerBound
            lastFrame = finding.frames?.upperBound
        }
    }

    private struct Sum: Encodable {
        var corruptBatches: Int
        var batches: Int
        var files: Int
        var bytes: UInt64
        var damages: Int
        var notices: Int
    }

    private struct State {
        var bar: ProgressBar
        var findings = 0
    }

    private let format: DocumentFormat
    private let state: Mutex<State>

    init(format: DocumentFormat, quiet: Bool) {
        self.format = format
        state = Mutex(State(bar: ProgressBar(quiet: quiet)))
        if format == .json { StandardOutput.write(#"{"findings":["#.utf8) }
    }

    func take(_ event: StoreVerification.Event) {
        state.withLock { state in
            switch event {
            case .progress(let progress): state.bar.update(bytes: progress.bytes, of: progress.totalBytes)
            case .finding(let found):
                state.bar.clear()
                let text = format == .json ? (state.findings > 0 ? "," : "") + Self.json(Line(found)) : Self.text(found)
                StandardOutput.line(text)
                state.findings += 1
            }
        }
    }

    func end(_ summary: VerificationSummary) {
        state.withLock { $0.bar.clear() }
        if format == .json {
            let sum = Sum(
                corruptBatches: summary.corruptBatches, batches: summary.batches, files: summary.files, bytes: summary.bytes,
                damages: summary.damages, notices: summary.notices)
            return StandardOutput.line(#"],"summary":\#(Self.json(sum))}"#)
        }
        StandardOutput.line(
            "\(Amount.count(summary.corruptBatches)) corrupt batches in \(Amount.count(summary.batches)) batches, "
                + "\(Amount.count(summary.files)) files, \(Amount.bytes(summary.bytes))")
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static func text(_ found: StoreFinding) -> String {
        let finding = found.finding
        var places: [String] = []
        if let offsets = finding.offsets { places.append(range("offset", offsets.lowerBound, offsets.upperBound - 1)) }
        if let frames = finding.frames { places.append(range("frame", frames.lowerBound, frames.upperBound)) }
        if let stream = found.stream {
            places.append("\(stream.namespace == .stream ? "stream" : stream.namespace.rawValue) \(stream.name)")
        }
        if let shard = found.shard { places.append("\(shard)") }
        let place = places.isEmpty ? "" : " (\(places.joined(separator: ", ")))"
        return "\(finding.severity.rawValue): \(finding.file): \(finding.what)\(place)"
    }

    private static func range<Number: BinaryInteger>(_ what: String, _ first: Number, _ last: Number) -> String {
        first == last ? "\(what) \(first)" : "\(what)s \(first) to \(last)"
    }
}
