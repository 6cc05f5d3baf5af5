/// The envelope of a dataflow's snapshot: magic, version, checksum.

enum DataflowSnapshot {
    static let version = 1
    private static let magic: [UInt8] = Array("MRdf".utf8)

    static func begin() -> StateWriter {
        var writer = StateWriter()
        for byte in magic { writer.write(byte) }
        writer.write(UInt8(version))
        return writer
    }

    /// A reader behind the envelope's head; its checksum is checked.
    static func open(_ bytes: [UInt8]) throws(SnapshotError) -> StateReader {
        var reader = StateReader(bytes)
        for byte in magic {
            guard try reader.byte() == byte else { throw .damaged("it does not begin as a snapshot does") }
        }
        let found = Int(try reader.byte())
        guard found == version else { throw .unsupportedVersion(found) }
        try reader.checkChecksum()
        return reader
    }
}
