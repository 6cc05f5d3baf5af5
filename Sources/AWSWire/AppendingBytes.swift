/// Appending to bytes what a function writes, into room that is not filled with zeros first.

extension [UInt8] {
    /// Makes room for `room` more bytes and appends as many of them as `write` says that it has written, which is no more.
    @inline(__always)
    mutating func append(atMost room: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        guard room > 0 else { return }
        append(addingCapacity: room) { (output: inout OutputSpan<UInt8>) in
            output.withUnsafeMutableBufferPointer { buffer, initializedCount in
                guard let base = buffer.baseAddress, buffer.count >= room else { return }
                let written = write(base)
                precondition(written >= 0 && written <= room, "no more is written than there is room for")
                initializedCount = written
            }
        }
    }
}
