/// Memory whose address and length suit writes past the page cache.

internal import Host

/// A buffer that grows, at an address that is a multiple of `FileAccess.alignment`. One thread uses it at a time: the one that has the journal.
final class AlignedBuffer: @unchecked Sendable {
    private var memory: UnsafeMutableRawBufferPointer

    init() { memory = .allocate(byteCount: FileAccess.alignment * 4, alignment: FileAccess.alignment) }

    deinit { memory.deallocate() }

    /// Memory of at least `count` bytes. What was in it before is lost when it has to grow.
    func room(for count: Int) -> UnsafeMutableRawBufferPointer {
        if memory.count < count {
            memory.deallocate()
            // Half as much again, so that groups that grow slowly do not allocate each time.
            let size = FileAccess.aligned(count + count / 2)
            memory = .allocate(byteCount: size, alignment: FileAccess.alignment)
        }
        return memory
    }

    /// Gives back what a single large group took.
    func shrink(to limit: Int) {
        guard memory.count > limit else { return }
        memory.deallocate()
        memory = .allocate(byteCount: limit, alignment: FileAccess.alignment)
    }

    /// The first bytes as they stand.
    func prefix(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[..<min(count, memory.count)])
    }
}

extension FileAccess {
    /// The next multiple of the alignment.
    static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
