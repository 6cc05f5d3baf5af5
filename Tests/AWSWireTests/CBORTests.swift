/// CBOR in and out: the examples of RFC 8949, what the AWS protocols make of them, and bytes that are none.

import AWSWire
import Testing

@Suite struct CBORTests {
    private func hex(_ text: String) -> [UInt8] {
        var digits = text.filter { $0 != " " }[...]
        var bytes: [UInt8] = []
        while let byte = UInt8(digits.prefix(2), radix: 16) {
            bytes.append(byte)
            digits = digits.dropFirst(2)
        }
        return bytes
    }

    private func read(_ text: String) throws -> JSONValue {
        try WireDocument(cbor: hex(text)).withRoot { JSONValue($0) }
    }

    private func reason(_ bytes: [UInt8]) -> CBORError.Reason? {
        do throws(CBORError) {
            _ = try WireDocument(cbor: bytes)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test("the examples of RFC 8949, appendix A, that the AWS protocols can say")
    func examples() throws {
        let expected: [(String, JSONValue)] = [
            ("00", 0), ("01", 1), ("0a", 10), ("17", 23), ("1818", 24), ("1819", 25), ("1864", 100), ("1903e8", 1000),
            ("1a000f4240", 1_000_000),
            ("1b000000e8d4a51000", 1_000_000_000_000), ("1bffffffffffffffff", .number("18446744073709551615")),
            ("3bffffffffffffffff", .number("-18446744073709551616")), ("20", -1), ("29", -10), ("3863", -100), ("3903e7", -1000),
            ("f90000", .number("0.0")), ("f98000", .number("-0.0")), ("f93c00", .number("1.0")),
            ("fb3ff199999999999a", .number("1.1")),
            ("f93e00", .number("1.5")), ("f97bff", .number("65504.0")), ("fa47c35000", .number("100000.0")),
            ("fa7f7fffff", .number("3.4028234663852886e+38")), ("fb7e37e43c8800759c", .number("1e+300")),
            ("f90001", .number("5.960464477539063e-08")),
            ("f90400", .number("6.103515625e-05")), ("f9c400", .number("-4.0")), ("fbc010666666666666", .number("-4.1")),
            ("f97c00", .number("inf")), ("f4", false), ("f5", true), ("f6", .null), ("f7", .null),
            // AWS's times are milliseconds, and other tags mean nothing to it.
            ("c11a514b67b0", .number("1363896.24")), ("c1fb41d452d9ec200000", .number("1363896240.5")),
            ("d818456449455446", "ZElFVEY="), ("40", ""), ("4401020304", "AQIDBA=="), ("60", ""),
            ("6161", "a"), ("6449455446", "IETF"), ("62225c", "\"\\"), ("62c3bc", "ü"), ("64f0908591", "\u{10151}"), ("80", []),
            ("83010203", [1, 2, 3]), ("8301820203820405", [1, [2, 3], [4, 5]]), ("a0", [:]),
            ("a26161016162820203", ["a": 1, "b": [2, 3]]),
            ("5f42010243030405ff", "AQIDBAU="), ("7f657374726561646d696e67ff", "streaming"), ("9fff", []),
            ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
            ("83018202039f0405ff", [1, [2, 3], [4, 5]]), ("bf61610161629f0203ffff", ["a": 1, "b": [2, 3]]),
            ("bf6346756ef563416d7421ff", ["Fun": true, "Amt": -2]),
        ]
        for (text, value) in expected {
            #expect(try read(text) == value, "\(text)")
        }
    }

    @Test("what is no CBOR, or none that the protocols use, is refused with its reason")
    func refused() {
        let expected: [(String, CBORError.Reason)] = [
            ("", .endOfData), ("18", .endOfData), ("1b00", .endOfData), ("62", .endOfData), ("6261", .endOfData),
            ("82", .endOfData), ("8201", .endOfData),
            ("9f", .endOfData), ("bf6161", .endOfData), ("5bffffffffffffffff", .endOfData), ("9bffffffffffffffff", .endOfData),
            ("0000", .moreData),
            ("1c", .reserved), ("1f", .reserved), ("ff", .reserved), ("f8ff", .reserved), ("e0", .reserved),
            ("a10101", .keyNotText), ("a1416101", .keyNotText), ("a1c1616101", .taggedKey), ("a1d818616101", .taggedKey),
            ("7f4161ff", .badChunk), ("7f7f6161ffff", .badChunk), ("c16161", .badTime), ("c1f5", .badTime), ("61ff", .badUTF8),
            ("7f61c361bcff00", .moreData),
            ("df00", .reserved),
        ]
        for (text, reason) in expected { #expect(self.reason(hex(text)) == reason, "\(text)") }
        // A character may be torn between two parts of a text here; the whole must be UTF-8.
        #expect(reason(hex("7f61c361bcff")) == nil)
        #expect(reason(hex("7f61c3ff")) == .badUTF8)
    }

    @Test("nesting, tags and items of a byte each are bounded")
    func bounds() {
        #expect(reason([UInt8](repeating: 0x81, count: 100_000)) == .tooDeep)
        #expect(reason([UInt8](repeating: 0x9F, count: 100_000)) == .tooDeep)
        #expect(reason([UInt8](repeating: 0xC2, count: 1_000_000)) == .endOfData)
        #expect(reason([0x9F] + [UInt8](repeating: 0, count: 1_000_000) + [0xFF]) == .tooManyItems)
    }

    @Test("what the writer writes is read back, in every form of every head")
    func roundTrip() throws {
        for length in [0, 1, 23, 24, 255, 256, 65_535, 65_536] {
            let blob = [UInt8](repeating: 7, count: length)
            let text = String(repeating: "é", count: length)
            for number in [0, Int64(length), -1 - Int64(length), .max, .min] {
                var writer = WireWriter(.cbor11)
                writer.object { writer in
                    writer.field("Text", text)
                    writer.field("Blob", blob: blob)
                    writer.field("Number", number)
                    writer.field("Time", milliseconds: number)
                    writer.field("Float", 0.1)
                    writer.field("Flag", true)
                    writer.field("None", nil as String?)
                    writer.list("List", ["a", "b"])
                    writer.field(named: "key", "value")
                    writer.field("Value", ["x": [1, .null, false, .number("1.5")]] as JSONValue)
                    _ = writer.field("Plain", plainCount: 3) { $0.copyMemory(from: [49, 50, 51] as [UInt8], byteCount: 3) }
                }
                try WireDocument(cbor: writer.bytes).withRoot { root in
                    #expect(root["Text"]?.string == text)
                    #expect(root["Blob"]?.blobBytes.map(Array.init) == blob)
                    #expect(root["Number"]?.numberText == String(number))
                    #expect(root["Time"]?.milliseconds == number)
                    #expect(root["Float"]?.numberText == "0.1")
                    #expect(root["Flag"]?.bool == true)
                    #expect(root["None"] == nil)
                    #expect(root["List"]?.elements.map { $0.string } == ["a", "b"])
                    #expect(root["key"]?.string == "value")
                    #expect(root["Value"].map { JSONValue($0) } == ["x": [1, .null, false, .number("1.5")]])
                    #expect(root["Plain"]?.string == "123")
                }
            }
        }
    }

    @Test("requests and answers of an operation travel in CBOR, errors too")
    func operation() async throws {
        let dispatcher = AWSDispatcher([AWSService(prefix: "Probe_1", serving: ProbeService(), [.operation(Probe.self)])])
        let budget = MemoryBudget(limit: 1 << 20)
        func reply(_ write: (inout WireWriter) -> Void) async throws -> AWSReply {
            var writer = WireWriter(.cbor11)
            writer.object { write(&$0) }
            let body = writer.bytes
            let head = RequestHead(
                method: "POST", [("Content-Type", "application/x-amz-cbor-1.1"), ("X-Amz-Target", "Probe_1.Probe")],
                bodyLength: body.count)
            guard case .call(let call) = dispatcher.admit(head) else { throw AWSError(.unknownOperation) }
            return await call.answer(body, memory: try #require(budget.lease(0)))
        }
        let answered = try await reply { writer in
            writer.field("Text", "a.b")
            writer.field("Integer", 3)
            writer.field("Blob", blob: [0, 255])
            writer.field("Time", milliseconds: 1_700_000_000_123)
            writer.object("Map") { $0.field("k", "v") }
        }
        #expect(answered.status == 200)
        #expect("\(try #require(answered.head.contentType))" == "application/x-amz-cbor-1.1")
        try WireDocument(cbor: answered.body).withRoot { root in
            #expect(root["Text"]?.string == "a.b")
            #expect(root["Integer"]?.numberText == "3")
            #expect(root["Blob"]?.blobBytes.map(Array.init) == [0, 255])
            #expect(root["Time"]?.milliseconds == 1_700_000_000_123)
        }
        // A number that is no time is itself, though a tag says that it is one.
        let tagged = try await reply { writer in
            writer.field("Text", "a.b")
            writer.field("Integer", milliseconds: 4)
        }
        try WireDocument(cbor: tagged.body).withRoot { #expect($0["Integer"]?.numberText == "4") }
        let gone = try await reply { $0.field("Text", "gone") }
        #expect(gone.status == 400)
        try WireDocument(cbor: gone.body).withRoot { root in
            #expect(root["__type"]?.string == "ResourceNotFoundException")
            #expect(root["message"]?.string == "It is \"gone\".")
        }
        let misfit = try await reply { $0.field("Text", blob: [1]) }
        #expect(misfit.error == .serialization)
        let invalid = try await reply { $0.field("Text", "too long") }
        #expect(invalid.error == .validation)
    }

    @Test("no bytes trap the reader: 200,000 mutations of a request, seed 1")
    func mutations() throws {
        var writer = WireWriter(.cbor11)
        writer.object { writer in
            writer.field("StreamName", "orders")
            writer.list("Records", 0..<3) { writer, number in
                writer.object { writer in
                    writer.field("Data", blob: [UInt8](repeating: 9, count: 40))
                    writer.field("PartitionKey", "key-\(number)")
                    writer.field("At", milliseconds: Int64(number))
                    writer.field("Weight", 0.5)
                }
            }
        }
        let original = writer.bytes
        var state: UInt64 = 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var readable = 0
        for _ in 0..<200_000 {
            var bytes = original
            for _ in 0...random(3) {
                switch random(3) {
                case 0: bytes[random(bytes.count)] = UInt8(random(256))
                case 1: bytes.removeLast(random(max(1, bytes.count - 1)))
                default: bytes.insert(UInt8(random(256)), at: random(bytes.count))
                }
            }
            guard let document = try? WireDocument(cbor: bytes) else { continue }
            readable += 1
            _ = document.withRoot { JSONValue($0).serialized.count }
        }
        #expect(readable > 1000)
    }
}
