/// One side of one TLS connection: ciphertext in, plaintext out, and the other way round. No sockets.

internal import CTLS
import NIOCore

/// Memory that the sessions of an event loop use one after the other.
final class TLSScratch {
    /// What the protocol itself has to say: a flight of a handshake, an alert.
    fileprivate let said = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
    /// Short pieces of plaintext, put together.
    fileprivate let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: TLSSession.recordBytes, alignment: 16)

    deinit {
        said.deallocate()
        plain.deallocate()
    }
}

/// It is used on one thread at a time.
final class TLSSession {
    enum State {
        case goesOn
        /// The peer says nothing more.
        case ended
        /// Nothing goes on; why, in OpenSSL's words.
        case failed(String)
    }

    /// The most plaintext that a record holds (RFC 8446, section 5.1).
    static let recordBytes = 16 << 10

    private let pointer: OpaquePointer

    /// The server's side; nil when memory is short.
    init?(_ context: TLSContext) {
        guard let made = CTLS_accept(context.pointer) else { return nil }
        pointer = made
    }

    deinit { CTLS_session_destroy(pointer) }

    var isEstablished: Bool { CTLS_is_established(pointer) == 1 }

    /// Takes what the peer sent.
    /// - Parameters:
    ///   - opened: what the peer said, which is no more than it sent.
    ///   - sealed: what it must be sent.
    func open(
        _ input: ByteBuffer, opened: inout ByteBuffer, sealed: inout ByteBuffer, _ scratch: TLSScratch,
        _ allocator: ByteBufferAllocator
    ) -> State {
        let room = CTLS_room_to_open(pointer, input.readableBytes)
        opened = allocator.buffer(capacity: room)
        var state = CTLS_wants_output
        var used = 0
        input.withUnsafeReadableBytes { input in
            while state == CTLS_wants_output {
                _ = opened.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { plain in
                    var step = CTLS_step()
                    step.input = input.baseAddress?.advanced(by: used).assumingMemoryBound(to: UInt8.self)
                    step.input_count = input.count - used
                    step.opened = plain.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    step.opened_room = plain.count
                    step.sealed = scratch.said.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    step.sealed_room = scratch.said.count
                    state = CTLS_open(pointer, &step)
                    used += step.input_used
                    sealed.writeBytes(UnsafeRawBufferPointer(rebasing: scratch.said[..<step.sealed_count]))
                    return step.opened_count
                }
            }
        }
        return switch state {
        case CTLS_wants_input: .goesOn
        case CTLS_ended: .ended
        default: .failed(reason)
        }
    }

    /// Room that sealing so many bytes takes, whatever they are.
    static func room(toSeal bytes: Int) -> Int { CTLS_room_to_seal(bytes) }

    /// Seals bytes.
    /// - Returns: false when nothing goes on.
    func seal(_ plain: UnsafeRawBufferPointer, into sealed: inout ByteBuffer) -> Bool {
        guard plain.count > 0 else { return true }
        var taken = 0
        _ = sealed.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.room(toSeal: plain.count)) { room in
            var step = CTLS_step()
            step.sealed = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            step.sealed_room = room.count
            taken = CTLS_seal(pointer, plain.baseAddress, plain.count, &step)
            return step.sealed_count
        }
        return taken == plain.count
    }

    /// Says that nothing more will be said.
    func end(into sealed: inout ByteBuffer) {
        _ = sealed.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.room(toSeal: 0)) { room in
            var step = CTLS_step()
            step.sealed = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            step.sealed_room = room.count
            CTLS_end(pointer, &step)
            return step.sealed_count
        }
    }

    private var reason: String {
        var text = [CChar](repeating: 0, count: Int(CTLS_reason_bytes))
        CTLS_reason(pointer, &text)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Plaintext in the order in which it is to be sealed, and who waits for it to be sent.
struct TLSQueue {
    private var pieces: CircularBuffer<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)> = []
    /// How many of the pieces may go.
    private var flushed = 0
    /// Bytes that wait.
    private(set) var bytes = 0

    var isEmpty: Bool { pieces.isEmpty }
    var mayGo: Bool { flushed > 0 }

    mutating func add(_ piece: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        bytes += piece.readableBytes
        pieces.append((piece, promise))
    }

    mutating func flush() { flushed = pieces.count }

    /// Seals up to `limit` bytes of what may go; short pieces share a record.
    /// - Returns: those who wait for what was sealed; nil when nothing goes on.
    mutating func seal(
        upTo limit: Int, _ session: TLSSession, into sealed: inout ByteBuffer, _ scratch: TLSScratch
    ) -> [EventLoopPromise<Void>]? {
        var promises: [EventLoopPromise<Void>] = []
        var left = limit
        var staged = 0
        while flushed > 0, left > 0 {
            let length = pieces[pieces.startIndex].bytes.readableBytes
            let count: Int
            if staged == 0, length >= TLSSession.recordBytes / 2 {
                count = min(length, left)
                let isSealed = pieces[pieces.startIndex].bytes.withUnsafeReadableBytes {
                    session.seal(UnsafeRawBufferPointer(rebasing: $0[..<count]), into: &sealed)
                }
                guard isSealed else { return nil }
            } else {
                count = min(length, left, scratch.plain.count - staged)
                pieces[pieces.startIndex].bytes.withUnsafeReadableBytes {
                    UnsafeMutableRawBufferPointer(rebasing: scratch.plain[staged...]).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: $0[..<count]))
                }
                staged += count
                if staged == scratch.plain.count {
                    guard session.seal(UnsafeRawBufferPointer(scratch.plain), into: &sealed) else { return nil }
                    staged = 0
                }
            }
            left -= count
            bytes -= count
            guard count == length else {
                pieces[pieces.startIndex].bytes.moveReaderIndex(forwardBy: count)
                continue
            }
            flushed -= 1
            if let promise = pieces.removeFirst().promise { promises.append(promise) }
        }
        guard session.seal(UnsafeRawBufferPointer(rebasing: scratch.plain[..<staged]), into: &sealed) else { return nil }
        return promises
    }

    /// Nothing of it will be sent.
    mutating func fail(_ error: any Error) {
        let all = pieces
        self = TLSQueue()
        for piece in all { piece.promise?.fail(error) }
    }
}
