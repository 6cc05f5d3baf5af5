/// Messages of event streams, byte by byte.

import AWSWire
import Testing

@Suite struct EventStreamTests {
    @Test("a message has the lengths, headers and checksums that other readers accept")
    func greeting() {
        let bytes = EventStreamMessage.initialResponse(.json11)
        // Made with Python's struct and zlib, and read by botocore.
        #expect(Array(bytes.prefix(12)) == [0x00, 0x00, 0x00, 0x72, 0x00, 0x00, 0x00, 0x60, 0xAB, 0x82, 0x0D, 0x9E])
        #expect(Array(bytes.suffix(4)) == [0xE1, 0x6E, 0x66, 0xE4])
        let header = { (name: String, value: String) in
            [UInt8(name.utf8.count)] + Array(name.utf8) + [7, 0, UInt8(value.utf8.count)] + Array(value.utf8)
        }
        let headers =
            header(":message-type", "event") + header(":event-type", "initial-response")
            + header(":content-type", "application/x-amz-json-1.1")
        #expect(Array(bytes.dropFirst(12).dropLast(4)) == headers + Array("{}".utf8))
    }

    @Test("an error is an exception of its name, in the format of the request")
    func exception() throws {
        let text = String(decoding: EventStreamMessage.exception(AWSError(.internalFailure, "words"), .json11), as: UTF8.self)
        #expect(text.contains(":exception-type\u{7}\0\u{18}InternalFailureException"))
        #expect(text.contains(#"{"message":"words"}"#))
        let cbor = EventStreamMessage.exception(AWSError(.resourceInUse, "words"), .cbor11)
        #expect(String(decoding: cbor, as: UTF8.self).contains("application/x-amz-cbor-1.1"))
        #expect(cbor.dropLast(4).last == 0xFF)
    }

    @Test("a payload that is written in place may be shorter than was said")
    func shorter() {
        let bytes = EventStreamMessage.bytes(.event("E"), .json11, capacity: 1000) { memory in
            memory[0] = UInt8(ascii: "1")
            return 1
        }
        #expect(bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) } == bytes.count)
        #expect(bytes.dropLast(4).last == UInt8(ascii: "1"))
    }
}
