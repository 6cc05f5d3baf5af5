/// Hands pieces of a download from the thread that receives them to the task that takes them, one at a time.

import Foundation
import Synchronization

/// A channel without a buffer: whoever sends waits, blocking, until the piece before was taken.
final class PieceChannel: Sendable {
    private struct State {
        var piece: [UInt8]?
        var hasEnded = false
        var isClosed = false
        var taker: CheckedContinuation<[UInt8]?, Never>?
    }

    private let state = Mutex(State())
    /// Begins at 0 and is raised at once: one that is let go of below its first value ends the process.
    private let room = DispatchSemaphore(value: 0)

    init() { room.signal() }

    /// Waits for room and puts a piece there; false when nobody takes any more. Never called from a task.
    func send(_ bytes: [UInt8]) -> Bool {
        room.wait()
        let (taker, isClosed) = state.withLock { state -> (CheckedContinuation<[UInt8]?, Never>?, Bool) in
            guard !state.isClosed else { return (nil, true) }
            guard let taker = state.taker else {
                state.piece = bytes
                return (nil, false)
            }
            state.taker = nil
            return (taker, false)
        }
        if let taker {
            room.signal()
            taker.resume(returning: bytes)
        }
        return !isClosed
    }

    /// Nothing more comes.
    func end() {
        let taker = state.withLock { state in
            state.hasEnded = true
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume(returning: nil)
    }

    /// The next piece, nil after the last. One call at a time.
    func next() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            let found: [UInt8]?? = state.withLock { state in
                if let piece = state.piece {
                    state.piece = nil
                    return .some(piece)
                }
                if state.hasEnded { return .some(nil) }
                state.taker = continuation
                return nil
            }
            guard let found else { return }
            if found != nil { room.signal() }
            continuation.resume(returning: found)
        }
    }

    /// Nothing more is taken.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.piece = nil
        }
        room.signal()
    }
}
