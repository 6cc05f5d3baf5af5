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

    /// Works in a directory of its own.
    private func inDirectory(_ body: (URL) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tar-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory)
    }

    /// Runs a program; what it printed.
    private func run(_ arguments: [String]) throws -> String {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(arguments)")
        return said
    }

    @Test("GNU tar reads what we write")
    func systemTar() throws {
        try inDirectory { directory in
            let path = directory.appendingPathComponent("a.tar").path
            try Data(try archive()).write(to: URL(fileURLWithPath: path))
            _ = try run(["tar", "-xf", path, "-C", directory.path])
            for (name, data) in files {
                #expect(try Data(contentsOf: directory.appendingPathComponent(name)) == Data(data))
            }
            let lines = try run(["tar", "--utc", "-tvf", path]).split(separator: "\n").map {
                $0.split(separator: " ", omittingEmptySubsequences: true)
            }
            #expect(lines.map { $0.last.map(String.init) } == files.map { $0.path })
            #expect(lines.allSatisfy { $0.first == "-rw-r--r--" && $0[1] == "0/0" && $0[3] == "2023-11-14" })
            #expect(lines.map { Int($0[2]) } == files.map { $0.data.count })
        }
    }

    @Test("Python's tarfile reads what we write")
    func tarfile() throws {
        try inDirectory { directory in
            let path = directory.appendingPathComponent("a.tar").path
            try Data(try archive()).write(to: URL(fileURLWithPath: path))
            let said = try run([
                "python3", "-c",
                """
                import sys, tarfile
                for m in tarfile.open(sys.argv[1], "r:"):
                    print(m.name, m.isreg(), m.size, m.mtime, oct(m.mode), sum(tarfile.open(sys.argv[1]).extractfile(m.name).read()))
                """, path,
            ])
            let expected = files.map { path, data in
                "\(path) True \(data.count) 1700000000 0o644 \(data.reduce(0) { $0 + Int($1) })\n"
            }
            #expect(said == expected.joined())
        }
    }

    @Test(
        "archives that other programs made of the same files are refused at their first byte: a restore takes what a backup wrote and nothing else",
        arguments: [
            ["tar", "--format=ustar"], ["tar", "--format=gnu"], ["tar", "--format=posix"], ["python3"],
        ])
    func others(program: [String]) throws {
        try inDirectory { directory in
            for (name, data) in files {
                let path = directory.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(data).write(to: path)
            }
            let path = directory.appendingPathComponent("theirs.tar").path
            if program == ["python3"] {
                let script =
                    "import sys, tarfile\na = tarfile.open(sys.argv[1], 'w', format=tarfile.USTAR_FORMAT)\n[a.add(sys.argv[2] + '/' + f, f) for f in sys.argv[3:]]\na.close()"
                _ = try run(["python3", "-c", script, path, directory.path] + files.map(\.path))
            } else {
                _ = try run(
                    program + ["--owner=0", "--group=0", "--numeric-owner", "--mode=644", "-cf", path, "-C", directory.path]
                        + files.map(\.path))
            }
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            var reader = TarReader()
            #expect(throws: TarError.damaged(at: 0)) { try bytes.withUnsafeBytes { try reader.consume($0) { _ in } } }
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
