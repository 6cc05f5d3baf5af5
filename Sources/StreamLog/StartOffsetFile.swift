/// The durable start offset of one log: two slots, written in turn, so that a torn write leaves the other and a full disk does no harm.

internal import Codecs
internal import Host

/// The file `start` of a log.
struct StartOffsetFile {
    /// The slots lie on pages of their own.
    static let slotPlaces: [UInt64] = [0, 4_096]
    static let slotSize = 32
    /// "MRSTART2"
    static let magic: UInt64 = 0x3254_5241_5453_524D
    /// The magic as text.
    static let format = "MRSTART2"

    /// What `create` leaves.
    static let firstGeneration: UInt64 = 1

    var log: LogID
    var offset: Int64
    var generation: UInt64

    /// The checksum covers the log's name too: the file of another log, put in this one's place, would cost records.
    private static func seed(of log: LogID) -> UInt32 {
        var name: [UInt8] = []
        name.add(log.stream)
        name.add(log.shard)
        return name.checksum(0..<name.count)
    }

    private static func slot(_ log: LogID, offset: Int64, generation: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.add(magic)
        bytes.add(generation)
        bytes.add(offset)
        bytes.add(bytes.checksum(0..<bytes.count, continuing: seed(of: log)))
        bytes.add(UInt32(0))
        return bytes
    }

    /// Reads the slot of the highest generation that is right, nil when none is.
    static func read(_ file: some DiskFile, of log: LogID) throws(DiskError) -> StartOffsetFile? {
        try slots(file, of: log).max { $0.generation < $1.generation }
    }

    /// The slots that are right.
    static func slots(_ file: some DiskFile, of log: LogID) throws(DiskError) -> [StartOffsetFile] {
        var found: [StartOffsetFile] = []
        for place in slotPlaces {
            let bytes = try file.bytes(at: place, count: slotSize)
            guard bytes.count == slotSize else { continue }
            let slot = bytes.withUnsafeBytes { bytes -> StartOffsetFile? in
                guard bytes.field(0, as: UInt64.self) == magic,
                    CRC32C.checksum(bytes.part(0..<24), continuing: seed(of: log)) == bytes.field(24)
                else { return nil }
                let offset: Int64 = bytes.field(16)
                return offset >= 0 ? StartOffsetFile(log: log, offset: offset, generation: bytes.field(8)) : nil
            }
            if let slot { found.append(slot) }
        }
        return found
    }

    /// The version of a file with a slot of another format, such as `MRSTART3`; nil for any other file. Every format keeps the first eight bytes
    /// of a slot and the checksum at 24.
    static func unknownFormat(_ file: some DiskFile, of log: LogID) throws(DiskError) -> String? {
        for place in slotPlaces {
            let bytes = try file.bytes(at: place, count: slotSize)
            guard bytes.count == slotSize else { continue }
            let found = bytes.withUnsafeBytes { bytes -> String? in
                let found: UInt64 = bytes.field(0)
                guard found != magic, found & 0xFF_FFFF_FFFF_FFFF == magic & 0xFF_FFFF_FFFF_FFFF,
                    CRC32C.checksum(bytes.part(0..<24), continuing: seed(of: log)) == bytes.field(24)
                else { return nil }
                return formatName(bytes.part(0..<8))
            }
            if let found { return found }
        }
        return nil
    }

    /// A new file with a start offset.
    static func content(of log: LogID, offset: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        for (generation, place) in slotPlaces.enumerated() {
            bytes += [UInt8](repeating: 0, count: Int(place) - bytes.count)
            bytes += slot(log, offset: offset, generation: UInt64(generation))
        }
        return bytes
    }

    /// Writes both slots of a new file and syncs it.
    static func create(_ file: some DiskFile, of log: LogID, offset: Int64) throws(DiskError) {
        for (generation, place) in slotPlaces.enumerated() {
            try file.write(slot(log, offset: offset, generation: UInt64(generation)), at: place)
        }
        try sync(file)
    }

    /// A sync that fails for lack of space has failed for good like any other.
    private static func sync(_ file: some DiskFile) throws(DiskError) {
        do throws(DiskError) {
            try file.sync()
        } catch {
            throw error.kind == .noSpace ? DiskError(.inputOutput, operation: error.operation, path: error.path) : error
        }
    }

    /// Whether a file is one that was being made when the power went or a write ended early: nothing was ever in it. Its slots are then the
    /// beginnings of those that `create` writes, with nothing after them.
    static func isUnfinished(_ file: some DiskFile, of log: LogID) throws(DiskError) -> Bool {
        if try file.size() < slotPlaces[1] + UInt64(slotSize) { return true }
        for (generation, place) in slotPlaces.enumerated() {
            let bytes = try file.bytes(at: place, count: slotSize)
            guard let last = bytes.lastIndex(where: { $0 != 0 }) else { continue }
            let offset = bytes.withUnsafeBytes { $0.field(16, as: Int64.self) }
            let whole = slot(log, offset: offset, generation: UInt64(generation))
            guard bytes[...last].elementsEqual(whole[...last]) else { return false }
        }
        return true
    }

    /// Writes the slot whose turn it is and syncs it.
    func write(to file: some DiskFile) throws(DiskError) {
        let place = StartOffsetFile.slotPlaces[Int(generation % 2)]
        try file.write(StartOffsetFile.slot(log, offset: offset, generation: generation), at: place)
        try StartOffsetFile.sync(file)
    }
}

extension DiskFile {
    /// Writes all of an array.
    func write(_ bytes: [UInt8], at offset: UInt64) throws(DiskError) {
        try bytes.withUnsafeBufferPointer { pointer throws(DiskError) in try write(UnsafeRawBufferPointer(pointer), at: offset) }
    }

    /// Reads up to `count` bytes; fewer at the end of the file.
    func bytes(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        var failure: DiskError?
        let bytes = [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, filled in
            do throws(DiskError) {
                filled = min(count, try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Reads all there is.
    func wholeContent() throws(DiskError) -> [UInt8] {
        try bytes(at: 0, count: Int(clamping: try size()))
    }
}
