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

    @Test("snappy objects are snappy-java's stream, in blocks of 32 KiB", arguments: [0, 1, 65_536, 300_000])
    func snappyJava(size: Int) throws {
        let plain = Samples.mixed(size)
        let packed = try compress(plain, .snappy, pieces: [10_000])
        #expect(packed.starts(with: [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]))
        var (position, back): (Int, [UInt8]) = (16, [])
        while position < packed.count {
            let length = packed[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            let chunk = try block(Array(packed[position + 4..<position + 4 + length]))
            #expect(chunk.count == min(32 << 10, size - back.count))
            back += chunk
            position += 4 + length
        }
        #expect(back.elementsEqual(plain))
    }

    @Test("a ZIP object has one entry with its name, whatever its size", arguments: [0, 1, 65_536, 700_000])
    func zip(size: Int) throws {
        let plain = Samples.mixed(size)
        var compressor = try ArchiveCompressor(.zip, entryName: "ab-é")
        var packed: [UInt8] = []
        try compressor.append(plain, into: &packed)
        try compressor.finish(into: &packed)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-zip-\(UUID().uuidString)")
        try Data(packed).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let script = """
            import sys, zipfile
            archive = zipfile.ZipFile(sys.argv[1])
            assert archive.namelist() == ["ab-\u{E9}"] and archive.testzip() is None
            sys.stdout.buffer.write(archive.read("ab-\u{E9}"))
            """
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, file.path]
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect([UInt8](bytes) == plain)
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
