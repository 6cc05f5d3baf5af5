/// Archive objects: read back by the tools that people have, and the same however they were fed.

import Codecs
import Foundation
import Testing

@Suite struct ArchiveCompressorTests {
    @Test("the output depends on the bytes alone, not on how they were cut", arguments: ArchiveFormat.allCases)
    func pieces(format: ArchiveFormat) throws {
        let plain = Samples.mixed(400_000)
        let whole = try compress(plain, format, pieces: [plain.count])
        for pieces in [[1000], [1, 65_535, 3], [65_536], [65_537, 7]] {
            #expect(try compress(plain, format, pieces: pieces).elementsEqual(whole), "\(pieces)")
        }
    }

    @Test("gzip, zstd and lz4 read the objects", arguments: [("gzip", ArchiveFormat.gzip), ("zstd", .zstd), ("lz4", .lz4)])
    func tools(tool: String, format: ArchiveFormat) throws {
        for size in [0, 1, 65_536, 1_000_003] {
            let plain = Samples.mixed(size)
            let packed = try compress(plain, format, pieces: [10_000])
            #expect(try run(tool, packed).elementsEqual(plain), "\(size) bytes")
        }
    }

    @Test("a gzip object has modification time 0")
    func modificationTime() throws {
        let packed = try compress([1, 2, 3], .gzip, pieces: [3])
        #expect(packed[..<8] == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0])
    }

    @Test("an uncompressed object is its bytes")
    func none() throws {
        #expect(try compress(Samples.mixed(1000), .none, pieces: [7]) == Samples.mixed(1000))
    }

    @Test("the snappy framing format has its chunks, lengths and masked checksums", arguments: [0, 1, 65_536, 300_000])
    func snappyFraming(size: Int) throws {
        let plain = Samples.mixed(size)
        let packed = try compress(plain, .snappy, pieces: [10_000])
        #expect(packed.starts(with: [0xFF, 6, 0, 0] + Array("sNaPpY".utf8)))
        var (position, back): (Int, [UInt8]) = (10, [])
        while position < packed.count {
            let length = Int(packed[position + 1]) | Int(packed[position + 2]) << 8 | Int(packed[position + 3]) << 16
            let data = Array(packed[position + 8..<position + 4 + length])
            let chunk = packed[position] == 0 ? try block(data) : data
            var crc = CRC32C.checksum(chunk)
            crc = (crc >> 15 | crc << 17) &+ 0xA282_EAD8
            let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(packed[position + 4 + $1]) << UInt32(8 * $1) }
            #expect(stored == crc)
            back += chunk
            position += 4 + length
        }
        #expect(back.elementsEqual(plain))
    }

    @Test("Hadoop's snappy blocks have both lengths before them")
    func hadoopSnappy() throws {
        let plain = Samples.mixed(150_000)
        let packed = try compress(plain, .hadoopSnappy, pieces: [10_000])
        var (position, back): (Int, [UInt8]) = (0, [])
        func length(_ at: Int) -> Int { packed[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
        while position < packed.count {
            let end = position + 8 + length(position + 4)
            let chunk = try block(Array(packed[position + 8..<end]))
            #expect(chunk.count == length(position))
            back += chunk
            position = end
        }
        #expect(back.elementsEqual(plain))
    }

    private func block(_ bytes: [UInt8]) throws -> [UInt8] {
        try bytes.withUnsafeBytes { try CompressionCodec.snappy.decompress($0, maxBytes: 1 << 20) }
    }

    /// Feeds pieces of the given lengths in turn.
    private func compress(_ plain: [UInt8], _ format: ArchiveFormat, pieces: [Int]) throws -> [UInt8] {
        var compressor = try ArchiveCompressor(format)
        var (output, position, turn): ([UInt8], Int, Int) = ([], 0, 0)
        while position < plain.count {
            let end = min(plain.count, position + pieces[turn % pieces.count])
            try compressor.append(Array(plain[position..<end]), into: &output)
            (position, turn) = (end, turn + 1)
        }
        try compressor.finish(into: &output)
        return output
    }

    /// What `tool -dc` makes of the bytes.
    private func run(_ tool: String, _ input: [UInt8]) throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-codecs-\(UUID().uuidString)")
        try Data(input).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool, "-dc"]
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return [UInt8](bytes)
    }
}
