/// One file of an archive, and its header block: plain ustar, as every system's `tar` reads it.
///
/// Why not libarchive (3.6.2 was looked at, libarchive.org): a backup is one kind of archive that we write ourselves and a restore takes back, so
/// what counts is that nothing else is taken. libarchive reads some fifteen formats and what lies in them (links, devices, sparse files,
/// absolute paths), which a restore would have to refuse one by one; it forgives what this refuses (a flipped bit in a padding or an unused field, bytes
/// behind the end). It pulls its input, and a restore is handed pieces as they come in, so it would need a thread of its own to wait in. It would add
/// 865 KB and, through it, libxml2, nettle, bzip2, lzma and acl to what a node links; two blocks' worth of ustar is 240 lines, with one header
/// block in memory, no seeking either way, and every name bounded to 100 plain bytes. What it does better, and backups do not need: files
/// past 8 GiB (a segment has 64 MiB), long names, compression, archives of others. GNU tar and Python's tarfile read ours: see the tests.

/// A file in an archive: its path and length. Only plain files with plain relative paths exist here; no links, no devices.
public struct TarMember: Sendable, Hashable {
    /// Headers and data come in blocks of this many bytes.
    public static let blockSize = 512
    /// The longest path, in bytes; one that needs a prefix field is not made.
    public static let maxPathBytes = 100
    /// The longest file: eleven octal digits.
    public static let maxSize: UInt64 = 1 << 33 - 1

    public let path: String
    /// Bytes of data.
    public let size: UInt64
    /// Seconds since 1970-01-01 UTC, at most eleven octal digits.
    public let modifiedSeconds: UInt64

    /// - Throws: `.badPath` for a path that is absolute, leads outside or has other than letters, digits, `.`, `_`, `-` and `/`;
    ///   `.tooLarge` past `maxSize`.
    public init(path: String, size: UInt64, modifiedSeconds: UInt64) throws(TarError) {
        guard TarMember.isPlain(path) else { throw .badPath(path) }
        guard size <= TarMember.maxSize else { throw .tooLarge(path) }
        self.path = path
        self.size = size
        self.modifiedSeconds = min(modifiedSeconds, TarMember.maxSize)
    }

    /// Zeros that follow the data to the end of its last block.
    public var paddingBytes: Int {
        let rest = Int(size % UInt64(TarMember.blockSize))
        return rest == 0 ? 0 : TarMember.blockSize - rest
    }

    /// Two empty blocks end an archive.
    public static let end = [UInt8](repeating: 0, count: 2 * blockSize)

    private static func isPlain(_ path: String) -> Bool {
        guard !path.isEmpty, path.utf8.count <= maxPathBytes else { return false }
        let isAllowed = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"): true
            default: false
            }
        }
        return isAllowed
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    // MARK: Header

    private enum Field {
        static let name = 0..<100
        static let mode = 100..<108
        static let user = 108..<116
        static let group = 116..<124
        static let size = 124..<136
        static let modified = 136..<148
        static let checksum = 148..<156
        static let type = 156
        /// "ustar", a zero, "00".
        static let magic = 257..<265
    }

    /// The block before the data.
    public func header() -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarMember.blockSize)
        block.replaceSubrange(0..<path.utf8.count, with: path.utf8)
        TarMember.put(0o644, in: Field.mode, of: &block)
        TarMember.put(0, in: Field.user, of: &block)
        TarMember.put(0, in: Field.group, of: &block)
        TarMember.put(size, in: Field.size, of: &block)
        TarMember.put(modifiedSeconds, in: Field.modified, of: &block)
        block[Field.type] = UInt8(ascii: "0")
        block.replaceSubrange(Field.magic, with: Array("ustar\u{0}00".utf8))
        // The sum counts its own field as blanks; it is six digits, a zero and a blank.
        block.replaceSubrange(Field.checksum, with: repeatElement(UInt8(ascii: " "), count: 8))
        let sum = block.reduce(0) { $0 + UInt64($1) }
        TarMember.put(sum, in: Field.checksum.lowerBound..<Field.checksum.upperBound - 1, of: &block)
        return block
    }

    /// Reads a header that `header()` could have made, to the last byte; nil for any other.
    init?(header block: some RandomAccessCollection<UInt8>) {
        let block = Array(block)
        guard block.count == TarMember.blockSize else { return nil }
        let name = block[Field.name].prefix { $0 != 0 }
        guard let path = String(validating: name, as: UTF8.self),
            let size = TarMember.number(in: Field.size, of: block), let modified = TarMember.number(in: Field.modified, of: block)
        else { return nil }
        do throws(TarError) {
            try self.init(path: path, size: size, modifiedSeconds: modified)
        } catch {
            return nil
        }
        guard header() == block else { return nil }
    }

    /// Octal digits that fill a field but for a zero at its end.
    private static func put(_ number: UInt64, in field: Range<Int>, of block: inout [UInt8]) {
        let digits = String(number, radix: 8)
        let width = field.count - 1
        precondition(digits.utf8.count <= width)
        let padded = String(repeating: "0", count: width - digits.utf8.count) + digits
        block.replaceSubrange(field, with: Array(padded.utf8) + [0])
    }

    private static func number(in field: Range<Int>, of block: [UInt8]) -> UInt64? {
        var value: UInt64 = 0
        for byte in block[field.dropLast()] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "7") else { return nil }
            value = value << 3 | UInt64(byte - UInt8(ascii: "0"))
        }
        return value
    }
}

/// What is wrong with an archive or a member.
public enum TarError: Error, Sendable, Hashable, CustomStringConvertible {
    case badPath(String)
    case tooLarge(String)
    /// What stands at this byte is nothing that we write.
    case damaged(at: UInt64)
    /// The archive ends before its end mark.
    case truncated(at: UInt64)

    public var description: String {
        switch self {
        case .badPath(let path): "'\(path)' is no plain relative path of at most \(TarMember.maxPathBytes) bytes"
        case .tooLarge(let path): "\(path) is longer than 8 GiB"
        case .damaged(let place): "the archive is damaged at byte \(place), or another program's"
        case .truncated(let place): "the archive is cut off at byte \(place)"
        }
    }
}
