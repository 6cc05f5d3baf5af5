/// A dataflow's state as bytes: the clock, the streams, and for each operator its id, version, signature and state.

/// The form of a snapshot. The operators' own forms have versions of their own.
struct DataflowSnapshot: Sendable {
    /// 1 had the operators' states in the order of the plan, without ids.
    static let version = 2
    private static let magic: [UInt8] = Array("MRdf".utf8)

    /// One operator's state.
    struct Part: Sendable {
        var id: String
        var version: UInt8
        var signature: String
        var bytes: [UInt8]
    }

    var clockMilliseconds: Int64
    var errorRowCount: Int
    var hasEnded: Bool
    /// By stored name; streams without a row are left out.
    var lastRowtimes: [String: Int64] = [:]
    var operators: [Part] = []

    init(clockMilliseconds: Int64, errorRowCount: Int, hasEnded: Bool) {
        self.clockMilliseconds = clockMilliseconds
        self.errorRowCount = errorRowCount
        self.hasEnded = hasEnded
    }

    func encoded() -> [UInt8] {
        var writer = StateWriter()
        for byte in Self.magic { writer.write(byte) }
        writer.write(UInt8(Self.version))
        writer.write(clockMilliseconds)
        writer.write(count: errorRowCount)
        writer.write(hasEnded)
        writer.write(count: lastRowtimes.count)
        for (name, rowtime) in lastRowtimes.sorted(by: { $0.key < $1.key }) {
            writer.write(name.utf8)
            writer.write(rowtime)
        }
        writer.write(count: operators.count)
        for part in operators {
            writer.write(part.id.utf8)
            writer.write(part.version)
            writer.write(part.signature.utf8)
            writer.write(part.bytes)
        }
        writer.writeChecksum()
        return writer.bytes
    }

    /// The version of bytes that begin as a snapshot does, where a later build wrote them.
    static func laterVersion(_ bytes: [UInt8]) -> Int? {
        guard bytes.count > magic.count, bytes.starts(with: magic), Int(bytes[magic.count]) > version else { return nil }
        return Int(bytes[magic.count])
    }

    /// Whether bytes begin as a snapshot of version 1, which only a dataflow of its program can read.
    static func isFirst(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic + [1]) }

    /// A reader behind the head of a snapshot; its checksum is checked.
    static func open(_ bytes: [UInt8], version: Int) throws(SnapshotError) -> StateReader {
        var reader = StateReader(bytes)
        for byte in Self.magic {
            guard try reader.byte() == byte else { throw .damaged("it does not begin as a snapshot does") }
        }
        let found = Int(try reader.byte())
        guard found == version else { throw .unsupportedVersion(found) }
        try reader.checkChecksum()
        return reader
    }

    init(decoding bytes: [UInt8]) throws(SnapshotError) {
        var reader = try Self.open(bytes, version: Self.version)
        let clock = try reader.int64()
        guard let errors = Int(exactly: try reader.int64()), errors >= 0 else { throw .damaged("a count is negative") }
        self.init(clockMilliseconds: clock, errorRowCount: errors, hasEnded: try reader.bool())
        for _ in 0..<(try reader.count(of: 16)) {
            let name = String(decoding: try reader.byteString(), as: UTF8.self)
            lastRowtimes[name] = try reader.int64()
        }
        for _ in 0..<(try reader.count(of: 25)) {
            let id = String(decoding: try reader.byteString(), as: UTF8.self)
            let version = try reader.byte()
            let signature = String(decoding: try reader.byteString(), as: UTF8.self)
            operators.append(Part(id: id, version: version, signature: signature, bytes: try reader.byteString()))
        }
        guard reader.isAtEnd else { throw .damaged("it has bytes left over") }
    }
}
