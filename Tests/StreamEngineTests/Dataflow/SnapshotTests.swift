/// Snapshots that are damaged or belong elsewhere.

import StreamEngine
import StreamSQL
import Testing

@Suite("Snapshots of a dataflow")
struct SnapshotTests {
    private func stateful() throws -> (Dataflow, [UInt8]) {
        var dataflow = try Flow.make(CutTests.programs[1])
        try dataflow.insert(Flow.rows(60, seed: 3), into: "S")
        return (try Flow.make(CutTests.programs[1]), dataflow.snapshot())
    }

    @Test("bytes cut short anywhere are refused")
    func cutShort() throws {
        var (fresh, bytes) = try stateful()
        for count in 0..<bytes.count {
            #expect(throws: SnapshotError.self) { try fresh.restore(from: Array(bytes[..<count])) }
        }
    }

    @Test("any altered byte is noticed")
    func altered() throws {
        var (fresh, bytes) = try stateful()
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x10
            #expect(throws: SnapshotError.self) { try fresh.restore(from: other) }
        }
    }

    @Test("altered bytes under a right checksum are refused or restored, and never end the process")
    func alteredWithChecksum() throws {
        var (fresh, bytes) = try stateful()
        for index in 5..<(bytes.count - 8) {
            for flip in [0x01, 0x80, 0xFF] as [UInt8] {
                var other = bytes
                other[index] ^= flip
                var hash: UInt64 = 0xcbf2_9ce4_8422_2325
                for byte in other.dropLast(8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
                for offset in 0..<8 { other[other.count - 8 + offset] = UInt8(truncatingIfNeeded: hash >> (8 * UInt64(offset))) }
                try? fresh.restore(from: other)
            }
        }
    }

    @Test("another version and another program's state are refused by name")
    func otherVersion() throws {
        var (fresh, bytes) = try stateful()
        bytes[4] = 9
        #expect(throws: SnapshotError.unsupportedVersion(9)) { try fresh.restore(from: bytes) }
        let other = try Flow.make("CREATE STREAM A (v INTEGER); CREATE PUMP P AS INSERT INTO A SELECT STREAM v FROM S;")
        #expect(throws: SnapshotError.otherProgram) { try fresh.restore(from: other.snapshot()) }
    }
}
