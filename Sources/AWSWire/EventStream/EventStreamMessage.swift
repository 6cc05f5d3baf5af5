/// Messages of `application/vnd.amazon.eventstream`: headers and a payload between two checksums.

internal import CCRC32

/// One message of an event stream (Smithy, "Amazon Event Stream Specification").
///
/// | bytes | meaning, numbers big-endian |
/// |---|---|
/// | 4 | length of the message, these four included |
/// | 4 | length of the headers |
/// | 4 | CRC-32 of the eight bytes before |
/// | | headers: length of the name (1), name, type (1; 7 is a text), length of the value (2), value |
/// | | payload |
/// | 4 | CRC-32 of everything before |
public enum EventStreamMessage {
    /// The media type of a body that is made of such messages.
    public static let contentType: StaticString = "application/vnd.amazon.eventstream"

    /// Bytes around headers and payload.
    static let frameCount = 16
    private static let preludeCount = 12

    /// What a message is.
    public enum Kind: Sendable, Hashable {
        /// `initial-response`, or the name of a member of the operation's event stream.
        case event(String)
        /// An error that ends the stream.
        case exception(AWSError.Name)

        fileprivate func headers(_ format: WireFormat) -> [UInt8] {
            var bytes: [UInt8] = []
            switch self {
            case .event(let type):
                Self.append(":message-type", "event", to: &bytes)
                Self.append(":event-type", type, to: &bytes)
            case .exception(let name):
                Self.append(":message-type", "exception", to: &bytes)
                Self.append(":exception-type", name.eventStreamName, to: &bytes)
            }
            Self.append(":content-type", "\(format.contentType)", to: &bytes)
            return bytes
        }

        private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
            bytes.append(UInt8(truncatingIfNeeded: name.utf8.count))
            bytes += name.utf8
            bytes.append(7)
            withUnsafeBytes(of: UInt16(truncatingIfNeeded: value.utf8.count).bigEndian) { bytes += $0 }
            bytes += value.utf8
        }
    }

    /// A message whose payload is written in place.
    /// - Parameters:
    ///   - capacity: the most bytes that the payload may have.
    ///   - payload: is called once with at least `capacity` bytes; returns how many it wrote.
    public static func bytes(
        _ kind: Kind, _ format: WireFormat, capacity: Int, _ payload: (UnsafeMutableRawBufferPointer) -> Int
    ) -> [UInt8] {
        let headers = kind.headers(format)
        let start = preludeCount + headers.count
        return [UInt8](unsafeUninitializedCapacity: frameCount + headers.count + capacity) { buffer, count in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            let written = payload(UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + capacity]))
            precondition(written >= 0 && written <= capacity, "a payload is longer than it said")
            let total = frameCount + headers.count + written
            memory.storeBytes(of: UInt32(total).bigEndian, as: UInt32.self)
            memory.storeBytes(of: UInt32(headers.count).bigEndian, toByteOffset: 4, as: UInt32.self)
            memory.storeBytes(of: checksum(memory, 8).bigEndian, toByteOffset: 8, as: UInt32.self)
            UnsafeMutableRawBufferPointer(rebasing: memory[preludeCount..<start]).copyBytes(from: headers)
            memory.storeBytes(of: checksum(memory, total - 4).bigEndian, toByteOffset: total - 4, as: UInt32.self)
            count = total
        }
    }

    /// The message that begins a stream: the members of the operation's output that are no events, of which there are none so far.
    public static func initialResponse(_ format: WireFormat) -> [UInt8] {
        bytes(.event("initial-response"), format) { _ in }
    }

    /// The message that ends a stream with an error.
    public static func exception(_ error: AWSError, _ format: WireFormat) -> [UInt8] {
        bytes(.exception(error.name), format) { $0.field("message", error.message) }
    }

    private static func bytes(_ kind: Kind, _ format: WireFormat, _ members: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter(format)
        writer.object(members)
        return writer.withBytes { payload in
            bytes(kind, format, capacity: payload.count) { memory in
                memory.copyMemory(from: payload)
                return payload.count
            }
        }
    }

    private static func checksum(_ memory: UnsafeMutableRawBufferPointer, _ count: Int) -> UInt32 {
        CCRC32_crc32(0, memory.baseAddress, count)
    }
}

extension AWSError.Name {
    /// As the members of an event stream are called: there what fails inside has the ending of the others.
    fileprivate var eventStreamName: String { self == .internalFailure ? "InternalFailureException" : rawValue }
}
