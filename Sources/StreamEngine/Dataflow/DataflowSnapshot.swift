/// A dataflow's state as bytes: the clock, the streams, and for each operator its id, version, signature and state.

/// The form of a snapshot's head. The operators' own forms have versions of their own.
struct DataflowSnapshot: Sendable {
    /// 1 had the operators' states in the order of the plan, without ids; 2 had them in the head, with a checksum behind it.
    static let version = 3
    private static let magic: [UInt8] = Array("MRdf".utf8)

    /// What is said of one operator's state. The rest is in pieces; in version 2 all of it was here.
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

    /// The head's bytes.
    func encoded() -> [UInt8] {
        var writer = Self.writer()
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
        return writer.bytes
    }

    private static func writer() -> StateWriter {
        var writer = StateWriter()
        for byte in magic { writer.write(byte) }
        writer.write(UInt8(version))
        return writer
    }

    /// A whole state in one: head and pieces under a checksum.
    static func bytes(of layer: SnapshotLayer) -> [UInt8] {
        var writer = writer()
        writer.write(layer.head)
        writer.write(count: layer.pieces.count)
        for piece in layer.pieces { writer.write(piece) }
        writer.writeChecksum()
        return writer.bytes
    }

    static func layer(of bytes: [UInt8]) throws(SnapshotError) -> SnapshotLayer {
        var reader = try open(bytes, version: version)
        var layer = SnapshotLayer(head: try reader.byteString())
        for _ in 0..<(try reader.count(of: 8)) { layer.pieces.append(try reader.byteString()) }
        try reader.checkEnd()
        return layer
    }

    /// What the bytes say their version is; nil when they do not begin as a snapshot does.
    static func version(of bytes: [UInt8]) -> Int? {
        bytes.count > magic.count && bytes.starts(with: magic) ? Int(bytes[magic.count]) : nil
    }

    /// The version of bytes that begin as a snapshot does, where a later build wrote them.
    static func laterVersion(_ bytes: [UInt8]) -> Int? { version(of: bytes).flatMap { $0 > version ? $0 : nil } }

    /// A reader behind the beginning of a snapshot; its checksum is checked.
    static func open(_ bytes: [UInt8], version: Int) throws(SnapshotError) -> StateReader {
        var reader = try begin(bytes, version: version)
        try reader.checkChecksum()
        return reader
    }

    private static func begin(_ bytes: [UInt8], version: Int) throws(SnapshotError) -> StateReader {
        var reader = StateReader(bytes)
        for byte in Self.magic {
            guard try reader.byte() == byte else { throw .damaged("it does not begin as a snapshot does") }
        }
        let found = Int(try reader.byte())
        guard found == version else { throw .unsupportedVersion(found) }
        return reader
    }

    /// A head.
    init(decoding bytes: [UInt8]) throws(SnapshotError) { try self.init(from: try Self.begin(bytes, version: Self.version)) }

    /// A snapshot of version 2.
    init(decodingSecond bytes: [UInt8]) throws(SnapshotError) { try self.init(from: try Self.open(bytes, version: 2)) }

    private init(from whole: StateReader) throws(SnapshotError) {
        var reader = whole
        let clock = try reader.int64()
        self.init(clockMilliseconds: clock, errorRowCount: try reader.number(), hasEnded: try reader.bool())
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
        try reader.checkEnd()
    }
}
