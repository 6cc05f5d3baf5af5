/// The two ways to read a put: what the one pass takes, the general way takes too, and with the same meaning.

import AWSWire
import KinesisService
import Testing

@Suite struct PlainPutTests {
    private struct Record: Hashable {
        var key, hashKey, data: [UInt8]?
    }

    private func records(_ entries: [PutEntry], _ arena: [UInt8]) -> [Record] {
        entries.map { entry in
            Record(
                key: entry.partitionKey.map { Array(arena[$0]) }, hashKey: entry.explicitHashKey.map { Array(arena[$0]) },
                data: entry.data.map { Array(arena[$0]) })
        }
    }

    /// Whether the one pass took the body. If it did, the general way must agree.
    private func isPlain(records text: [UInt8]) -> Bool {
        text.withUnsafeBytes { body in
            guard let plain = PlainPut(records: body, maxRecords: PutRecords.maxRecords) else { return false }
            do throws(AWSError) {
                let request = try WireFormat.json11.request(PutRecords.Request.self, body, rules: PutRecords.rules)
                #expect(records(plain.entries, plain.arena) == records(request.entries ?? [], request.arena))
                #expect(plain.streamName == request.streamName && plain.streamARN == request.streamARN)
            } catch {
                Issue.record("taken as plain, but \(error): \(String(decoding: text, as: UTF8.self))")
            }
            return true
        }
    }

    private func isPlain(record text: [UInt8]) -> Bool {
        text.withUnsafeBytes { body in
            guard let plain = PlainPut(record: body) else { return false }
            do throws(AWSError) {
                let request = try WireFormat.json11.request(PutRecord.Request.self, body, rules: PutRecord.rules)
                #expect(records(plain.entries, plain.arena) == records([request.entry], request.arena))
                #expect(plain.streamName == request.streamName && plain.streamARN == request.streamARN)
            } catch {
                Issue.record("taken as plain, but \(error): \(String(decoding: text, as: UTF8.self))")
            }
            return true
        }
    }

    @Test("what SDKs send is plain")
    func plain() {
        for text in [
            #"{"StreamName": "s", "Records": [{"Data": "aGVsbG8=", "PartitionKey": "k"}, {"PartitionKey": "é😀", "Data": "", "ExplicitHashKey": "0"}]}"#,
            #"{"Records":[{"Data":"YQ==","PartitionKey":"k"}],"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#,
        ] { #expect(isPlain(records: Array(text.utf8)), "\(text)") }
        #expect(isPlain(record: Array(#"{"StreamName": "s", "Data": "aGVsbG8=", "PartitionKey": "k"}"#.utf8)))
        #expect(isPlain(record: Array(#"{"PartitionKey":"k","ExplicitHashKey":"12","Data":"","StreamName":"s"}"#.utf8)))
    }

    @Test("what breaks a rule, or says it in another form, is left to the general way")
    func notPlain() {
        let long = String(repeating: "k", count: 257)
        for record in [
            "", #""Data":"","PartitionKey":"""#, #""Data":"""#, #""PartitionKey":"k""#, #""Data":null,"PartitionKey":"k""#,
            #""Data":"","PartitionKey":"\#(long)""#, #""Data":"","PartitionKey":"k","ExplicitHashKey":"01""#,
            #""Data":"","PartitionKey":"k","ExplicitHashKey":"""#, #""Data":"x","PartitionKey":"k""#,
            #""Data":1,"PartitionKey":"k""#,
            #""Data":"","PartitionKey":"\u006b""#, #""Data":"","PartitionKey":"k","Other":"x""#,
            #""Data":"","PartitionKey":"k","PartitionKey":"l""#,
        ] {
            #expect(!isPlain(records: Array(#"{"StreamName":"s","Records":[{\#(record)}]}"#.utf8)), "\(record)")
            let comma = record.isEmpty ? "" : ","
            #expect(!isPlain(record: Array(#"{"StreamName":"s"\#(comma)\#(record)}"#.utf8)), "\(record)")
        }
        for text in [
            #"{"StreamName":"s","Records":[]}"#, #"{"StreamName":"s"}"#, #"{"StreamName":"s","Records":null}"#,
            #"{"StreamName":"s t","Records":[{"Data":"","PartitionKey":"k"}]}"#,
            #"{"StreamARN":"arn:x","Records":[{"Data":"","PartitionKey":"k"}]}"#,
            #"{"StreamName":"s","StreamName":"t","Records":[{"Data":"","PartitionKey":"k"}]}"#,
            #"{"StreamName":"s","Records":[{"Data":"","PartitionKey":"k"}],"Records":[{"Data":"","PartitionKey":"k"}]}"#,
            #"{"StreamName":"s","Records":[{"Data":"","PartitionKey":"k"}]} x"#, #"[]"#, "",
        ] { #expect(!isPlain(records: Array(text.utf8)), "\(text)") }
        let tooMany = Array(repeating: #"{"Data":"","PartitionKey":"k"}"#, count: 501).joined(separator: ",")
        #expect(!isPlain(records: Array(#"{"StreamName":"s","Records":[\#(tooMany)]}"#.utf8)))
    }

    @Test("thirty thousand mutations: whenever the one pass takes a body, the general way agrees")
    func mutations() {
        let seeds = [
            #"{"StreamName":"s","Records":[{"Data":"aGVsbG8=","PartitionKey":"k"},{"Data":"AAAA","PartitionKey":"é😀","ExplicitHashKey":"17"}]}"#,
            #"{ "Records" : [ { "PartitionKey" : "a" , "Data" : "YQ==" } ] , "StreamName" : "stream.1" }"#,
        ].map { Array($0.utf8) }
        let record = Array(#"{"StreamName":"s","Data":"aGVsbG8=","PartitionKey":"k","ExplicitHashKey":"17"}"#.utf8)
        let interesting: [UInt8] = Array("\"\\{}[]:,0-+=/aZ9 \u{1}tn".utf8) + [0x00, 0x7F, 0x80, 0xC3, 0xE2, 0xFF]
        var state: UInt64 = 20_261_130
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(1, limit)
        }
        func mutated(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0...random(2) {
                let position = random(bytes.count)
                switch random(4) {
                case 0 where !bytes.isEmpty: bytes[position] = interesting[random(interesting.count)]
                case 1 where !bytes.isEmpty: bytes[position] = UInt8(random(256))
                case 2 where !bytes.isEmpty: bytes.remove(at: position)
                default: bytes.insert(interesting[random(interesting.count)], at: min(position, bytes.count))
                }
            }
            return bytes
        }
        var taken = 0
        for round in 0..<15_000 {
            if isPlain(records: mutated(seeds[round % seeds.count])) { taken += 1 }
            if isPlain(record: mutated(record)) { taken += 1 }
        }
        // Of each kind there must be many, or nothing was tried.
        #expect((500..<29_500).contains(taken), "\(taken) of 30000 were plain")
    }
}

@Suite struct SipHashTests {
    @Test("the codes of the authors' reference implementation: key 00...0F, messages 00, 0001, 000102 and so on")
    func vectors() {
        let key: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)
        let expected = [
            "a3817f04ba25a8e66df67214c7550293", "da87c1d86b99af44347659119b22fc45", "8177228da4a45dc7fca38bdef60affe4",
            "9c70b60c5267a94e5f33b6b02985ed51", "f88164c12d9c8faf7d0f6e7c7bcd5579", "1368875980776f8854527a07690e9627",
            "14eeca338b208613485ea0308fd7a15e", "a1f1ebbed8dbc153c0b84aa61ff08239", "3b62a9ba6258f5610f83e264f31497b4",
        ]
        for (length, hexadecimal) in expected.enumerated() {
            let message = (0..<length).map { UInt8($0) }
            let code = message.withUnsafeBytes { SipHash(key: key).code($0) }
            let text = [code.0, code.1].map { word in
                let digits = String(word.byteSwapped, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }.joined()
            #expect(text == hexadecimal, "\(length) bytes")
        }
    }
}
