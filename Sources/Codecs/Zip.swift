/// A ZIP archive of one entry (PKWARE APPNOTE 6.3.10), made of what the gzip compressor writes: both hold the same deflated bytes.

/// Writes a local header, the deflated bytes, their sizes, and the directory. What belongs to a stream of gzip alone is taken off.
final class ZipCompressor: CodecStream {
    private static let (gzipHeaderBytes, gzipTrailerBytes) = (10, 8)
    /// Sizes follow the data (bit 3), the name is UTF-8 (bit 11); deflated; 1980-01-01, the format's first day.
    private static let features: [UInt8] = [20, 0, 0x08, 0x08, 8, 0, 0, 0, 0x21, 0]

    private let deflater: GzipCompressor
    private let name: [UInt8]
    private var scratch: [UInt8]
    /// What is to be given out.
    private var pending: [UInt8] = []
    /// What the deflater wrote last: its trailer may be among it.
    private var held: [UInt8] = []
    private var toSkip = gzipHeaderBytes
    private var compressedBytes = 0
    private var plainBytes = 0
    private var isDone = false

    var room: Int { deflater.room }

    init(entryName: String) throws(CodecError) {
        deflater = try GzipCompressor(level: 3)
        name = Array(entryName.utf8.prefix(65_535))
        scratch = [UInt8](repeating: 0, count: 64 << 10)
        pending = Self.little(0x0403_4B50, 4) + Self.features + [UInt8](repeating: 0, count: 12)
        pending += Self.little(name.count, 2) + [0, 0] + name
    }

    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep {
        var consumed = 0
        // What is held back is no output: on until there is some, or nothing more happens.
        var goesOn = true
        while goesOn, pending.isEmpty, !isDone {
            let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
            let step = scratch.withUnsafeMutableBytes { deflater.step(rest, $0, finish: finish) }
            if step.outcome == .invalid { return CodecStep(status: -1, consumed: 0, produced: 0) }
            consumed += step.consumed
            plainBytes += step.consumed
            take(scratch[..<step.produced])
            goesOn = step.consumed > 0 || step.produced > 0
            if step.outcome == .done {
                isDone = true
                guard end() else { return CodecStep(status: -1, consumed: 0, produced: 0) }
            }
        }
        let count = min(pending.count, output.count)
        output.copyBytes(from: pending[..<count])
        pending.removeFirst(count)
        return CodecStep(status: isDone && pending.isEmpty ? 1 : 0, consumed: consumed, produced: count)
    }

    private func take(_ bytes: ArraySlice<UInt8>) {
        let skipped = min(toSkip, bytes.count)
        toSkip -= skipped
        held += bytes.dropFirst(skipped)
        let ready = max(0, held.count - Self.gzipTrailerBytes)
        pending += held[..<ready]
        held.removeFirst(ready)
        compressedBytes += ready
    }

    /// The sizes and the directory. False for an entry that is too large for the format without its 64-bit form.
    private func end() -> Bool {
        guard held.count == Self.gzipTrailerBytes, max(compressedBytes, plainBytes) < Int(UInt32.max) else { return false }
        let sizes = Array(held[..<4]) + Self.little(compressedBytes, 4) + Self.little(plainBytes, 4)
        pending += Self.little(0x0807_4B50, 4) + sizes
        let directoryStart = 30 + name.count + compressedBytes + 16
        let entry =
            Self.little(0x0201_4B50, 4) + [20, 0] + Self.features + sizes + Self.little(name.count, 2)
            + [UInt8](repeating: 0, count: 12) + Self.little(0, 4) + name
        pending += entry + Self.little(0x0605_4B50, 4) + [0, 0, 0, 0] + Self.little(1, 2) + Self.little(1, 2)
        pending += Self.little(entry.count, 4) + Self.little(directoryStart, 4) + [0, 0]
        return true
    }

    private static func little(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
