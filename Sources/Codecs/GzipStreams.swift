/// gzip for bodies of HTTP: inflated within a bound that grows piece by piece, deflated in one go.

import CISAL

/// Inflates one gzip body whose length nobody knows before.
///
/// A body of a few kilobytes may become a thousand times as long: whoever inflates asks for a piece of output at a time, and stops when it is more
/// than wanted.
public final class GzipInflater {
    public enum Step: Sendable {
        /// More output may come of the same input, or more input is needed.
        case more
        /// The body is whole, checksum and length included.
        case end
    }

    private let stream: GzipDecompressor

    public init() throws(CodecError) { stream = try GzipDecompressor() }

    /// Inflates what there is room for.
    /// - Parameters:
    ///   - input: what was not yet consumed; all of the body's rest.
    ///   - output: at least a byte of room.
    /// - Returns: how far both went; `.end` when the input is used up and whole.
    /// - Throws: for damage, and for input that ends too soon.
    public func step(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(CodecError) -> (step: Step, consumed: Int, produced: Int) {
        let step = stream.step(input, output, finish: false)
        switch step.outcome {
        case .invalid: throw .invalid(.gzip)
        case .done where step.consumed == input.count: return (.end, step.consumed, step.produced)
        case .done, .more:
            guard step.consumed > 0 || step.produced > 0 else { throw input.isEmpty ? .truncated(.gzip) : .invalid(.gzip) }
            return (.more, step.consumed, step.produced)
        }
    }
}

/// Deflates one body.
public enum GzipBody {
    /// Room that any body of so many bytes fits into: gzip's own ends, and five bytes for each block that does not shrink (RFC 1951, section 3.2.4).
    public static func room(for bytes: Int) -> Int { bytes + bytes / 4096 + 8192 }

    /// Writes a body as one gzip member, as fast as can be.
    /// - Parameter output: has `room(for:)` bytes.
    /// - Returns: how many were written; nil when memory is short.
    public static func write(_ input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer) -> Int? {
        guard let compressor = try? GzipCompressor(level: 1) else { return nil }
        var (consumed, produced) = (0, 0)
        while true {
            let step = compressor.step(
                UnsafeRawBufferPointer(rebasing: input[consumed...]), UnsafeMutableRawBufferPointer(rebasing: output[produced...]),
                finish: true)
            consumed += step.consumed
            produced += step.produced
            switch step.outcome {
            case .done: return produced
            case .more where step.consumed > 0 || step.produced > 0: continue
            case .more, .invalid: return nil
            }
        }
    }
}
