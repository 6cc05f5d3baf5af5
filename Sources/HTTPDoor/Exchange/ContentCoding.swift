/// Bodies that are compressed for their way (RFC 9110, section 8.4): gzip, in both directions.

import AWSWire
import Codecs
import NIOCore

/// What was done to a body before it was sent.
enum ContentCoding {
    case identity
    case gzip

    /// That of a request; nil for one that is not known here.
    init?(ofRequest head: RequestHead) {
        guard let coding = head.withBytes(of: .contentEncoding, Self.init(named:)) else {
            self = .identity
            return
        }
        guard let coding else { return nil }
        self = coding
    }

    private init?(named name: UnsafeRawBufferPointer) {
        if name.equalsIgnoringCase("gzip") || name.equalsIgnoringCase("x-gzip") {
            self = .gzip
        } else if name.isEmpty || name.equalsIgnoringCase("identity") || name.equalsIgnoringCase("aws-chunked") {
            // Signed pieces are the dispatcher's to put together.
            self = .identity
        } else {
            return nil
        }
    }

    /// Whether a client takes answers as gzip. What is said in several fields is passed over: that an answer is not compressed is no fault.
    static func acceptsGzip(_ head: RequestHead) -> Bool {
        guard head.has(.acceptEncoding), let accepted = head[.acceptEncoding] else { return false }
        return accepted.lowercased().split(separator: ",").contains { element in
            let parts = element.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard parts.first == "gzip" || parts.first == "x-gzip" else { return false }
            return !parts.dropFirst().contains { $0.hasPrefix("q=") && (Double($0.dropFirst(2)) ?? 1) == 0 }
        }
    }
}

/// A request's body, inflated as far as the operation takes it.
enum InflatedBody {
    enum Outcome {
        case whole(ByteBuffer)
        case refused(AWSReply)
    }

    /// The room for output that is asked for first, in bytes.
    private static let firstRoom = 64 << 10

    /// Inflates on the calling thread. Memory is reserved as the output grows; what is longer than the operation takes is given up as soon as that is
    /// known, however short it was on its way.
    static func make(of body: ByteBuffer, for call: AdmittedCall, _ lease: MemoryLease) -> Outcome {
        var inflated = ByteBuffer()
        do throws(CodecError) {
            let inflater = try GzipInflater()
            var rest = body
            while true {
                if inflated.writableBytes == 0 {
                    guard inflated.readableBytes <= call.memoryBound else { return .refused(call.tooLarge()) }
                    let capacity = min(max(2 * inflated.capacity, firstRoom), call.memoryBound + 1)
                    guard lease.resize(to: Exchange.leastMemory + body.readableBytes + call.memory(forBodyOf: capacity)) else {
                        return .refused(call.overloaded())
                    }
                    var larger = ByteBufferAllocator().buffer(capacity: capacity)
                    larger.writeBuffer(&inflated)
                    inflated = larger
                }
                let step = try step(inflater, &rest, &inflated)
                guard inflated.readableBytes <= call.memoryBound else { return .refused(call.tooLarge()) }
                if case .end = step { break }
            }
        } catch {
            return .refused(call.unreadable("The body of the request is not what its Content-Encoding says: \(error)."))
        }
        _ = lease.resize(to: Exchange.leastMemory + call.memory(forBodyOf: inflated.readableBytes))
        return .whole(inflated)
    }

    private static func step(
        _ inflater: GzipInflater, _ rest: inout ByteBuffer, _ inflated: inout ByteBuffer
    ) throws(CodecError) -> GzipInflater.Step {
        var result: Result<(step: GzipInflater.Step, consumed: Int, produced: Int), CodecError>?
        _ = inflated.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) { output in
            let made: Result<(step: GzipInflater.Step, consumed: Int, produced: Int), CodecError> = rest.withUnsafeReadableBytes {
                do throws(CodecError) { return .success(try inflater.step($0, output)) } catch { return .failure(error) }
            }
            result = made
            return (try? made.get())?.produced ?? 0
        }
        guard let step = try result?.get() else { throw .invalid(.gzip) }
        rest.moveReaderIndex(forwardBy: step.consumed)
        return step.step
    }
}

/// An answer's body on its way to a client that takes gzip.
enum DeflatedBody {
    /// Deflates on the calling thread; nil where that makes it no shorter.
    static func make(of body: ByteBuffer) -> ByteBuffer? {
        var deflated = ByteBufferAllocator().buffer(capacity: GzipBody.room(for: body.readableBytes))
        var isWritten = false
        _ = deflated.writeWithUnsafeMutableBytes(minimumWritableBytes: GzipBody.room(for: body.readableBytes)) { output in
            let count = body.withUnsafeReadableBytes { GzipBody.write($0, to: output) }
            isWritten = count != nil
            return count ?? 0
        }
        return isWritten && deflated.readableBytes < body.readableBytes ? deflated : nil
    }
}
