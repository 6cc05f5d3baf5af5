/// The last member of a backup: what it holds, with checksums. An archive without it is no backup.

import Codecs
import Foundation
public import Host

/// What a backup holds.
public struct BackupManifest: Codable, Sendable, Hashable {
    /// A file of the backup.
    public struct Member: Codable, Sendable, Hashable {
        /// Below the data directory.
        public var path: String
        public var bytes: UInt64
        /// CRC-32C of its content, eight hexadecimal digits.
        public var crc32c: String

        public init(path: String, bytes: UInt64, crc32c: UInt32) {
            self.path = path
            self.bytes = bytes
            self.crc32c = BackupManifest.hexadecimal(crc32c)
        }
    }

    /// The member's name in the archive.
    public static let path = "millrace-backup.json"
    /// The only format there is.
    public static let currentFormat = "millrace-backup 1"
    /// The longest manifest that is read: some 600,000 files.
    static let maxBytes = 64 << 20

    public var format = BackupManifest.currentFormat
    /// The moment that the backup is of, milliseconds since 1970-01-01 UTC.
    public var createdMilliseconds: Int64
    /// The last journal frame that it holds.
    public var journalFrame: UInt64
    public var streams: Int
    public var records: Int64
    /// In the order of the archive.
    public var members: [Member]

    public init(createdMilliseconds: Int64, journalFrame: UInt64, streams: Int, records: Int64, members: [Member] = []) {
        self.createdMilliseconds = createdMilliseconds
        self.journalFrame = journalFrame
        self.streams = streams
        self.records = records
        self.members = members
    }

    /// Bytes of all files together.
    public var totalBytes: UInt64 { members.reduce(0) { $0 + $1.bytes } }

    static func hexadecimal(_ checksum: UInt32) -> String {
        let digits = String(checksum, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    // MARK: Bytes

    /// JSON whose last member is the checksum of all that stands before it.
    func encoded() throws(BackupError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let text = [UInt8](try encoder.encode(self)).dropLast()
            return text + BackupManifest.ending(CRC32C.checksum(Array(text)))
        } catch {
            throw .failed("the manifest cannot be written: \(error)")
        }
    }

    private static func ending(_ checksum: UInt32) -> [UInt8] {
        Array(#","manifestCRC32C":"\#(hexadecimal(checksum))"}"#.utf8) + [UInt8(ascii: "\n")]
    }

    /// What every format has, so that one that is not known is told from damage.
    private struct Head: Decodable {
        var format: String
    }

    /// - Throws: `.damaged` for what `encoded()` would not have given; `.unknownFormat`.
    init(decoding bytes: [UInt8]) throws(BackupError) {
        let length = BackupManifest.ending(0).count
        guard bytes.count > length else { throw .damaged("its manifest is too short") }
        let text = Array(bytes.dropLast(length))
        guard BackupManifest.ending(CRC32C.checksum(text)) == Array(bytes.suffix(length)) else {
            throw .damaged("its manifest is damaged")
        }
        let json = Data(text + [UInt8(ascii: "}")])
        if let head = try? JSONDecoder().decode(Head.self, from: json), head.format != BackupManifest.currentFormat {
            throw .unknownFormat(UnknownFormat("the backup", found: head.format, known: BackupManifest.currentFormat))
        }
        do {
            self = try JSONDecoder().decode(BackupManifest.self, from: json)
        } catch {
            throw .damaged("its manifest cannot be read: \(error)")
        }
    }
}

/// Why a backup cannot be made, read or restored.
public enum BackupError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It is cut off, changed, or no backup.
    case damaged(String)
    /// It is whole, and of a version that this build does not know.
    case unknownFormat(UnknownFormat)
    /// Another backup is being made; there is one at a time, for each keeps files from being deleted.
    case busy
    /// The directory to restore into holds something.
    case notEmpty([String])
    /// A disk, the catalog or the log, in words.
    case failed(String)

    public var description: String {
        switch self {
        case .damaged(let what): "this is no whole backup: \(what)"
        case .unknownFormat(let format): "\(format)"
        case .busy: "another backup is being made; try again when it has ended"
        case .notEmpty(let names):
            "the directory is not empty (\(names.prefix(3).joined(separator: ", "))\(names.count > 3 ? ", ..." : "")): "
                + "restore into an absent or empty one"
        case .failed(let what): what
        }
    }
}
