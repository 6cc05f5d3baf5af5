/// Archives: what is written is read back whole, by us and by the system's tar; what is changed anywhere is refused.

import Foundation
import TarArchive
import Testing

@Suite struct TarArchiveTests {
    private let files: [(path: String, data: [UInt8])] = [
        ("journal/00000000000000000001.journal", [UInt8](repeating: 7, count: 1_000)),
        ("empty", []),
        ("logs/18446744073709551615/4294967295/09223372036854775807.segment", (0..<1_536).map { UInt8(truncatingIfNeeded: $0) }),
        ("millrace-backup.json", Array("{}".utf8)),
    ]

    private func archive() throws -> [UInt8] {
        var bytes: [UInt8] = []
        for (path, data) in files {
            let member = try TarMember(path: path, size: UInt64(data.count), modifiedSeconds: 1_700_000_000)
            bytes += member.header() + data + [UInt8](repeating: 0, count: member.paddingBytes)
        }
        return bytes + TarMember.end
    }

    /// Reads an archive in pieces of a size; nil where it is refused.
    private func read(_ bytes: [UInt8], pieces size: Int) -> [(path: String, data: [UInt8])]? {
        var found: [(path: String, data: [UInt8])] = []
        var reader = TarReader()
        do {
            for start in stride(from: 0, to: bytes.count, by: size) {
                try bytes[start..<min(bytes.count, start + size)].withUnsafeBytes { piece in
                    try reader.consume(piece) { event in
                        switch event {
                        case .member(let member): found.append((member.path, []))
                        case .data(let data): found[found.count - 1].data += data
                        case .memberEnd, .end: break
                        }
                    }
                }
            }
            try reader.finish()
            return found
        } catch {
            return nil
        }
    }

    @Test("files are read back as they were written, in pieces of any size")
    func roundTrip() throws {
        let bytes = try archive()
        #expect(bytes.count % 512 == 0)
        for size in [1, 7, 511, 512, 513, 4_096, bytes.count] {
            let found = try #require(read(bytes, pieces: size))
            #expect(found.map(\.path) == files.map(\.path))
            #expect(found.map(\.data) == files.map(\.data))
        }
    }

    @Test("the system's tar reads what we write")
    func systemTar() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tar-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("a.tar")
        try Data(try archive()).write(to: path)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar", "-xf", path.path, "-C", directory.path]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        for (name, data) in files {
            #expect(try Data(contentsOf: directory.appendingPathComponent(name)) == Data(data))
        }
    }

    @Test("an archive cut off at any byte is refused")
    func truncated() throws {
        let bytes = try archive()
        for end in 0..<bytes.count { #expect(read(Array(bytes[..<end]), pieces: 512) == nil, "cut at \(end)") }
        #expect(read(bytes + [0], pieces: 512) == nil)
    }

    @Test("a bit flipped anywhere outside of the data is refused")
    func flipped() throws {
        let bytes = try archive()
        var data: [Range<Int>] = []
        var place = 0
        for file in files {
            data.append(place + 512..<place + 512 + file.data.count)
            place += 512 + (file.data.count + 511) / 512 * 512
        }
        for index in bytes.indices where !data.contains(where: { $0.contains(index) }) {
            var flipped = bytes
            flipped[index] ^= 1 << UInt8(index % 8)
            #expect(read(flipped, pieces: 600) == nil, "byte \(index)")
        }
    }

    @Test(
        "paths that lead outside or are not plain are refused",
        arguments: [
            "", "/etc/passwd", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "a b", "a\u{0}b", "ä",
            String(repeating: "a", count: 101),
        ])
    func paths(_ path: String) {
        #expect(throws: TarError.badPath(path)) { try TarMember(path: path, size: 0, modifiedSeconds: 0) }
    }

    @Test("links, directories and other programs' headers are refused")
    func foreign() throws {
        for type in "1235LKxg" {
            var bytes = try TarMember(path: "a", size: 0, modifiedSeconds: 0).header()
            bytes[156] = type.asciiValue ?? 0
            let sum = bytes.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
            bytes.replaceSubrange(148..<155, with: Array(String(format: "%06o", sum).utf8) + [0])
            #expect(read(bytes + TarMember.end, pieces: 512) == nil)
        }
        #expect(throws: TarError.tooLarge("a")) { try TarMember(path: "a", size: 1 << 33, modifiedSeconds: 0) }
    }
}
