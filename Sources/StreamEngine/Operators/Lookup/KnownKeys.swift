/// Numbers for the values of a fixed set of rows: what is not among them has number 0, as has NULL.

import StreamSQL

/// Words and their numbers, from 1.
struct KnownWords: Sendable {
    /// A word and its number; number 0 where free. A power of two, at most half full.
    private var slots: [(word: UInt64, number: UInt32)] = [(word: UInt64, number: UInt32)](repeating: (0, 0), count: 16)
    private(set) var count: UInt32 = 0
    private let seed = KeyHash.processSeed

    var byteCount: Int { slots.count * 16 }

    @inline(__always)
    private func slot(of word: UInt64) -> Int {
        Int(truncatingIfNeeded: KeyHash.fold(word ^ seed, 0xe703_7ed1_a0b4_28db) >> 7) & (slots.count &- 1)
    }

    @inline(__always)
    func number(of word: UInt64) -> UInt32 {
        slots.withUnsafeBufferPointer { slots in
            var place = slot(of: word)
            while slots[place].number != 0 {
                if slots[place].word == word { return slots[place].number }
                place = (place &+ 1) & (slots.count &- 1)
            }
            return 0
        }
    }

    mutating func insert(_ word: UInt64) -> UInt32 {
        let known = number(of: word)
        if known != 0 { return known }
        count += 1
        if Int(count) * 2 > slots.count { grow() }
        put(word, count)
        return count
    }

    private mutating func put(_ word: UInt64, _ number: UInt32) {
        var place = slot(of: word)
        while slots[place].number != 0 { place = (place + 1) & (slots.count - 1) }
        slots[place] = (word, number)
    }

    private mutating func grow() {
        let old = slots
        slots = [(word: UInt64, number: UInt32)](repeating: (0, 0), count: old.count * 2)
        for slot in old where slot.number != 0 { put(slot.word, slot.number) }
    }
}

/// Texts and their numbers, from 1.
struct KnownTexts: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = [0]
    /// A text's number and the upper half of its hash; number 0 where free. A power of two, at most half full.
    private var slots = [(hash: UInt32, number: UInt32)](repeating: (0, 0), count: 16)
    private let seed = KeyHash.processSeed
    /// The numbers of the texts of dictionaries met last, as far as they were met.
    private var translations: [(dictionary: UInt64, numbers: [UInt32])] = []
    private static let mostTranslations = 4
    private static let unknown = UInt32.max

    var byteCount: Int { bytes.count + ends.count * 8 + slots.count * 8 }

    private func find(_ text: UnsafeRawBufferPointer, _ hash: UInt32) -> (number: UInt32, place: Int) {
        let mask = slots.count - 1
        var place = Int(hash) & mask
        while slots[place].number != 0 {
            if slots[place].hash == hash {
                let number = Int(slots[place].number)
                let (start, end) = (ends[number - 1], ends[number])
                if end - start == text.count,
                    bytes.withUnsafeBytes({ KeyHash.areEqual(UnsafeRawBufferPointer(rebasing: $0[start..<end]), text) })
                {
                    return (UInt32(number), place)
                }
            }
            place = (place + 1) & mask
        }
        return (0, place)
    }

    private func hash(_ text: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: KeyHash.of(text, seed: seed) >> 32)
    }

    func number(of text: UnsafeRawBufferPointer) -> UInt32 { find(text, hash(text)).number }

    mutating func insert(_ text: UnsafeRawBufferPointer) -> UInt32 {
        let hash = hash(text)
        var (number, place) = find(text, hash)
        if number != 0 { return number }
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        number = UInt32(ends.count - 1)
        if ends.count * 2 > slots.count {
            let old = slots
            slots = [(hash: UInt32, number: UInt32)](repeating: (0, 0), count: old.count * 2)
            for slot in old where slot.number != 0 {
                var place = Int(slot.hash) & (slots.count - 1)
                while slots[place].number != 0 { place = (place + 1) & (slots.count - 1) }
                slots[place] = slot
            }
            place = find(text, hash).place
        }
        slots[place] = (hash, number)
        return number
    }

    /// The numbers of a column's texts; those of NULL rows mean nothing.
    mutating func numbers(of texts: ByteColumn) -> [UInt32] {
        guard let codes = texts.codes else {
            return texts.bytes.withUnsafeBytes { bytes in
                var start = 0
                return texts.ends.map { end in
                    defer { start = end }
                    return number(of: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                }
            }
        }
        var translation = takeTranslation(of: texts)
        let numbers = codes.withUnsafeBufferPointer { codes in
            codes.map { code in
                let known = translation.numbers[Int(code)]
                if known != Self.unknown { return known }
                let range = (code == 0 ? 0 : texts.ends[Int(code) - 1])..<texts.ends[Int(code)]
                let number = texts.bytes.withUnsafeBytes { self.number(of: UnsafeRawBufferPointer(rebasing: $0[range])) }
                translation.numbers[Int(code)] = number
                return number
            }
        }
        if texts.dictionary != 0 { translations.append(translation) }
        return numbers
    }

    private mutating func takeTranslation(of texts: ByteColumn) -> (dictionary: UInt64, numbers: [UInt32]) {
        var translation = (dictionary: texts.dictionary, numbers: [UInt32]())
        if texts.dictionary != 0, let known = translations.lastIndex(where: { $0.dictionary == texts.dictionary }) {
            translation = translations.remove(at: known)
        } else if translations.count == Self.mostTranslations {
            translations.removeFirst()
        }
        let missing = texts.ends.count - translation.numbers.count
        if missing > 0 { translation.numbers.append(contentsOf: repeatElement(Self.unknown, count: missing)) }
        return translation
    }
}

/// The values of one column of a key.
struct KnownValues: Sendable {
    private var words = KnownWords()
    private var texts = KnownTexts()

    var byteCount: Int { words.byteCount + texts.byteCount }

    /// The numbers of the rows of a column; new values get new ones. What stands in a NULL row is no value.
    mutating func insert(_ column: Column) -> [UInt32] {
        let nulls = column.nulls
        var numbers = [UInt32](repeating: 0, count: column.count)
        func each(_ number: (Int) -> UInt32) {
            for row in numbers.indices where nulls?[row] != true { numbers[row] = number(row) }
        }
        switch column.values {
        case .bytes(let values):
            each { row in
                values.bytes.withUnsafeBytes { texts.insert(UnsafeRawBufferPointer(rebasing: $0[values.range(row)])) }
            }
        case .integers(let values): each { words.insert(UInt64(bitPattern: values[$0])) }
        case .booleans(let values): each { words.insert(values[$0] ? 1 : 0) }
        case .doubles(let values): each { values[$0].isNaN ? 0 : words.insert(Self.word(values[$0])) }
        }
        return numbers
    }

    /// The numbers of the rows of a column; 0 for values that are not known.
    mutating func numbers(of column: Column) -> [UInt32] {
        let numbers: [UInt32] =
            switch column.values {
            case .bytes(let values): texts.numbers(of: values)
            case .integers(let values): values.map { words.number(of: UInt64(bitPattern: $0)) }
            case .booleans(let values): values.map { words.number(of: $0 ? 1 : 0) }
            case .doubles(let values): values.map { $0.isNaN ? 0 : words.number(of: Self.word($0)) }
            }
        return Self.withoutNulls(numbers, column)
    }

    /// 0.0 and -0.0 are equal.
    private static func word(_ value: Double) -> UInt64 { value == 0 ? 0 : value.bitPattern }

    private static func withoutNulls(_ numbers: [UInt32], _ column: Column) -> [UInt32] {
        guard let nulls = column.nulls else { return numbers }
        return numbers.indices.map { nulls[$0] ? 0 : numbers[$0] }
    }
}
