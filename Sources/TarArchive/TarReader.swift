/// Takes an archive apart as its bytes come in, strictly: what our writer would not have written is refused.

/// Reads an archive handed over in pieces of any size; memory is one header block.
public struct TarReader: Sendable {
    /// What the bytes handed over mean.
    public enum Event {
        /// A file begins.
        case member(TarMember)
        /// A part of its data; valid during the call.
        case data(UnsafeRawBufferPointer)
        /// The file is complete.
        case memberEnd
        /// The end mark: nothing but this stands behind it.
        case end
    }

    private enum Stage {
        case header
        case data(left: UInt64, padding: Int)
        case padding(left: Int)
        case endMark
        case ended
    }

    private var stage = Stage.header
    private var block: [UInt8] = []
    /// Bytes taken in so far.
    public private(set) var position: UInt64 = 0

    public init() {}

    /// Whether the end mark was read.
    public var isComplete: Bool {
        if case .ended = stage { true } else { false }
    }

    /// Takes in a piece.
    /// - Throws: what `handle` throws, and `TarError.damaged`.
    public mutating func consume(_ piece: UnsafeRawBufferPointer, _ handle: (Event) throws -> Void) throws {
        var rest = piece[...]
        while !rest.isEmpty {
            switch stage {
            case .header, .endMark: try takeBlock(&rest, handle)
            case .data(let left, let padding):
                let part = rest.prefix(Int(clamping: left))
                try handle(.data(UnsafeRawBufferPointer(rebasing: part)))
                rest = rest.dropFirst(part.count)
                position += UInt64(part.count)
                stage = .data(left: left - UInt64(part.count), padding: padding)
                if left == UInt64(part.count) { try endData(padding, handle) }
            case .padding(let left):
                let part = rest.prefix(left)
                if let bad = part.firstIndex(where: { $0 != 0 }) {
                    throw TarError.damaged(at: position + UInt64(bad - part.startIndex))
                }
                rest = rest.dropFirst(part.count)
                position += UInt64(part.count)
                stage = left == part.count ? .header : .padding(left: left - part.count)
            case .ended: throw TarError.damaged(at: position)
            }
        }
    }

    /// To be called after the last piece.
    /// - Throws: `.truncated` when the end mark is missing.
    public func finish() throws(TarError) {
        if !isComplete { throw .truncated(at: position) }
    }

    private mutating func takeBlock(_ rest: inout Slice<UnsafeRawBufferPointer>, _ handle: (Event) throws -> Void) throws {
        let part = rest.prefix(TarMember.blockSize - block.count)
        block.append(contentsOf: part)
        rest = rest.dropFirst(part.count)
        position += UInt64(part.count)
        guard block.count == TarMember.blockSize else { return }
        defer { block.removeAll(keepingCapacity: true) }
        let start = position - UInt64(TarMember.blockSize)
        let isEmpty = block.allSatisfy { $0 == 0 }
        if case .endMark = stage {
            guard isEmpty else { throw TarError.damaged(at: start) }
            stage = .ended
            return try handle(.end)
        }
        if isEmpty {
            stage = .endMark
            return
        }
        guard let member = TarMember(header: block) else { throw TarError.damaged(at: start) }
        stage = .data(left: member.size, padding: member.paddingBytes)
        try handle(.member(member))
        if member.size == 0 { try endData(0, handle) }
    }

    private mutating func endData(_ padding: Int, _ handle: (Event) throws -> Void) throws {
        stage = padding == 0 ? .header : .padding(left: padding)
        try handle(.memberEnd)
    }
}
