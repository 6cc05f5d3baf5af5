/// What the streams of all codecs have in common, and how they are driven.

/// What one step of a stream did.
struct CodecStep {
    enum Outcome {
        /// It stopped for want of input or of room for output.
        case more
        /// The stream (or one member of it) is complete.
        case done
        /// The input is damaged.
        case invalid
    }
    var outcome: Outcome
    var consumed: Int
    var produced: Int

    /// From what the C shims return: 1, 0 or -1.
    init(status: Int32, consumed: Int, produced: Int) {
        outcome = status < 0 ? .invalid : (status > 0 ? .done : .more)
        self.consumed = consumed
        self.produced = produced
    }
}

/// One direction of a codec, fed piece by piece.
protocol CodecStream: AnyObject {
    /// The room for output that a step needs at least.
    var room: Int { get }
    /// Consumes input and produces output, as far as both go. `finish`: no input follows this one.
    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, finish: Bool) -> CodecStep
}

extension CodecStream {
    var room: Int { 1 }

    /// Compresses all of `input` and ends the stream.
    func compress(
        _ input: UnsafeRawBufferPointer, _ codec: CompressionCodec, into output: inout GrowingBuffer
    ) throws(CodecError) {
        var rest = input
        // Most batches shrink at least by half.
        guard output.makeRoom(max(room, input.count / 2)) else { throw .outOfMemory(codec) }
        while true {
            guard output.makeRoom(room) else { throw .outOfMemory(codec) }
            let step = step(rest, output.unused, finish: true)
            output.wrote(step.produced)
            rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
            switch step.outcome {
            case .done: return
            case .more where step.consumed > 0 || step.produced > 0: continue
            case .more, .invalid: throw .invalid(codec)
            }
        }
    }

    /// Decompresses all of `input`, which may be several members one after the other.
    func decompress(
        _ input: UnsafeRawBufferPointer, _ codec: CompressionCodec, maxBytes: Int, into output: inout GrowingBuffer
    ) throws(CodecError) {
        guard !input.isEmpty else { throw .truncated(codec) }
        var rest = input
        let (guess, overflow) = input.count.multipliedReportingOverflow(by: 4)
        guard output.makeRoom(overflow ? input.count : max(4096, guess)) else { throw .outOfMemory(codec) }
        while true {
            guard output.makeRoom(room) else { throw .outOfMemory(codec) }
            let step = step(rest, output.unused, finish: false)
            output.wrote(step.produced)
            rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
            if output.count > maxBytes { throw .tooLarge(codec, maxBytes: maxBytes) }
            switch step.outcome {
            case .done where rest.isEmpty: return
            case .invalid: throw .invalid(codec)
            case .done, .more:
                if step.consumed == 0, step.produced == 0 { throw rest.isEmpty ? .truncated(codec) : .invalid(codec) }
            }
        }
    }
}
