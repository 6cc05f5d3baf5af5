/// Sequence numbers: the layout's golden values, round trips, and texts that are refused.

import StreamStore
import Testing

@Suite struct SequenceNumberTests {
    private func shard(_ index: UInt32, createdSecond: Int64, endOffset: Int64? = nil) -> ShardDescription {
        ShardDescription(
            id: ShardID(index), hashKeyRange: .all, createdSecond: createdSecond, endOffset: endOffset)
    }

    @Test("a shard's starting number has the digits that the layout gives")
    func startingNumbers() {
        // Computed apart from the code under test: int('2' '052f5ffea' '0' '0'*16 '000' '52f5ffea' '00000000' '2', 16).
        #expect(
            SequenceNumber.starting(shard(0, createdSecond: 0x52F5_FFEA)).description
                == "49536487248236720616413283258624975839818119159599857666")
        #expect(
            SequenceNumber.starting(shard(1, createdSecond: 0x52F5_FFEA)).description
                == "49536487248259021361611813881766511558090767521105838098")
    }

    @Test("a record's number carries its counter, its second and the shard's index")
    func recordNumber() {
        let number = SequenceNumber(
            offset: 0x0123_4567_89AB_CDEE, in: shard(0x1234_567F, createdSecond: 0x6543_2100),
            arrivalMilliseconds: 0x6543_2ABC * 1000 + 999)
        #expect(
            number.description == "49646044433502644696432943542274965339892857794678056946")
        #expect(number.offset == 0x0123_4567_89AB_CDEE)
        #expect(number.counter == 0x0123_4567_89AB_CDEF)
        #expect(number.shardIndex == 0x1234_567F)
        #expect(number.shardCreatedSecond == 0x6543_2100)
        #expect(number.arrivalSecond == 0x6543_2ABC)
    }

    @Test("numbers survive the way to text and back, whatever their parts")
    func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let offset = Int64.random(in: 0..<(Int64.max - 1), using: &generator) >> Int64.random(in: 0...62)
            let index = UInt32.random(in: 0...UInt32.max, using: &generator) >> UInt32.random(in: 0...31)
            let created = Int64.random(in: 0...0xF_FFFF_FFFF, using: &generator)
            let arrival = Int64.random(in: 0...Int64(UInt32.max), using: &generator)
            let number = SequenceNumber(
                offset: offset, shardIndex: index, shardCreatedSecond: created, arrivalSecond: arrival)
            let text = number.description
            #expect(text.utf8.count == 56)
            let read = SequenceNumber(text)
            #expect(read == number)
            #expect(read?.offset == offset)
            #expect(read?.shardIndex == index)
            #expect(read?.shardCreatedSecond == created)
            #expect(read?.arrivalSecond == arrival)
            let bytes = [UInt8](unsafeUninitializedCapacity: SequenceNumber.digitCount) { buffer, count in
                if let base = buffer.baseAddress { number.writeDigits(to: base) }
                count = SequenceNumber.digitCount
            }
            #expect(bytes == Array(text.utf8))
            // A slice of a larger text is read as well as a text of its own.
            #expect(SequenceNumber(("<" + text).dropFirst()) == number)
        }
    }

    @Test("the numbers of a batch's records, made by addition, are those made by division")
    func series() {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<300 {
            // Offsets before carries of every length, besides any.
            let offset =
                round < 200
                ? Int64.random(in: 0..<(Int64.max - 100), using: &generator) >> Int64.random(in: 0...62)
                : (Int64(1) << Int64(round % 62)) - 1
            let (index, created) = (UInt32.random(in: 0...5000), Int64.random(in: 0...0xF_FFFF_FFFF))
            func number(_ offset: Int64) -> SequenceNumber {
                SequenceNumber(offset: offset, shardIndex: index, shardCreatedSecond: created, arrivalSecond: created)
            }
            var text = SequenceNumberText(number(offset))
            for step in 0..<50 {
                let digits = [UInt8](unsafeUninitializedCapacity: SequenceNumber.digitCount) { buffer, count in
                    if let base = buffer.baseAddress { text.write(to: base) }
                    count = SequenceNumber.digitCount
                }
                let made = SequenceNumber(String(decoding: digits, as: UTF8.self))
                #expect(made == number(offset + Int64(step)), "\(offset) + \(step) of shard \(index), created \(created)")
                text.advance()
            }
        }
    }

    @Test("within a shard, numbers rise with the offset; start comes before and end after all of them")
    func order() throws {
        let closed = shard(3, createdSecond: 1_700_000_000, endOffset: 10)
        let numbers = (0..<10).map {
            SequenceNumber(offset: Int64($0), in: closed, arrivalMilliseconds: 1_700_000_000_000 + Int64(10 - $0))
        }
        #expect(numbers == numbers.sorted())
        #expect(numbers.map(\.description) == numbers.map(\.description).sorted())
        #expect(SequenceNumber.starting(closed) < numbers[0])
        #expect(try #require(SequenceNumber.ending(closed)) > numbers[9])
        #expect(SequenceNumber.ending(shard(3, createdSecond: 1_700_000_000)) == nil)
    }

    @Test("starting and ending numbers name no record but tell where reading goes on")
    func positions() throws {
        let closed = shard(7, createdSecond: 1_700_000_000, endOffset: 10)
        let start = SequenceNumber.starting(closed)
        #expect(start.offset == nil)
        #expect(start.firstOffsetAtOrAfter == 0)
        #expect(start.firstOffsetAfter == 0)
        let end = try #require(SequenceNumber.ending(closed))
        #expect(end.offset == nil)
        #expect(end.firstOffsetAfter == .max)
        let record = SequenceNumber(offset: 4, in: closed, arrivalMilliseconds: 1_700_000_000_000)
        #expect(record.firstOffsetAtOrAfter == 4)
        #expect(record.firstOffsetAfter == 5)
        #expect(record.belongs(to: closed))
        #expect(!record.belongs(to: shard(8, createdSecond: 1_700_000_000)))
        #expect(!record.belongs(to: shard(7, createdSecond: 1_700_000_001)))
    }

    @Test(
        "texts that are no number of the layout are refused",
        arguments: [
            "", "0", "1", "-1", "abc", String(repeating: "9", count: 56), String(repeating: "9", count: 129),
            // A leading zero, a sign, a blank, a digit that is not ASCII.
            "049536487248236720616413283258624975839818119159599857666",
            "+49536487248236720616413283258624975839818119159599857666",
            "49536487248236720616413283258624975839818119159599857666 ", "4953648724823672061641328325862497583981811915959985766٣",
            // Version 0 and version 1; the twelve bits that must be 0; a nibble that contradicts the index.
            "49536487248236720616413283258626184765637733788774563840", "49536487248236720616413283258626184765637733788774563841",
            "49536487248236720616413283258626185060785638968127389698", "49536487248259021361611813881767720483910382150280544258",
            "49536487248247870989012548570195743698954443340352847874",
        ])
    func refused(text: String) {
        #expect(SequenceNumber(text) == nil)
    }
}
