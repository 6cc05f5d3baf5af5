/// Numbers for texts: equal texts have equal numbers, so that keys compare as numbers.

import Glibc
import StreamSQL

/// Numbers texts in the order of their first appearance, from 1; 0 stands for NULL. Hashes are seeded, so that chosen texts cannot make it slow;
/// numbers do not depend on them.
struct TextNumbers: Sendable {
    private var bytes: [UInt8] = []
    /// Where each text ends; number 0 is empty.
    private var ends: [Int] = [0]
    private var slots = HashSlots()
    private let seed = KeyHash.processSeed
    /// Of the dictionaries met last, the last one at the end: pieces decoded side by side have dictionaries of their own, which come in turns.
    private var translations: [Translation] = []
    /// The hashes of the texts at hand.
    private var hashes: [UInt32] = []

    /// The numbers of a dictionary's texts, as far as they were met.
    private struct Translation {
        static let unknown = UInt32.max
        /// As many as pieces are decoded at a time.
        static let most = 4

        var dictionary: UInt64
        var numbers: [UInt32] = []
    }

    var byteCount: Int {
        translations.reduce(bytes.count + ends.count * 8 + slots.byteCount) { $0 + $1.numbers.count * 4 }
    }

    /// Whether waiting for memory is most of a look-up's time.
    var isLarge: Bool { slots.isLarge }

    /// Writes the numbers of rows of a column to `words`.
    mutating func number(_ rows: Range<Int>, of texts: ByteColumn, nulls: [Bool]?, into words: UnsafeMutableBufferPointer<UInt64>) {
        if let codes = texts.codes {
            number(rows, codes: codes, of: texts, into: words)
        } else {
            numberPlain(rows, of: texts, nulls: nulls, into: words)
        }
        guard let nulls else { return }
        for (offset, row) in rows.enumerated() where nulls[row] { words[offset] = 0 }
    }

    private mutating func number(
        _ rows: Range<Int>, codes: [UInt32], of texts: ByteColumn, into words: UnsafeMutableBufferPointer<UInt64>
    ) {
        var translation = takeTranslation(of: texts)
        codes.withUnsafeBufferPointer { codes in
            for (offset, row) in rows.enumerated() {
                let code = Int(codes[row])
                var number = translation.numbers[code]
                if number == Translation.unknown {
                    let range = (code == 0 ? 0 : texts.ends[code - 1])..<texts.ends[code]
                    number = texts.bytes.withUnsafeBytes { self.number(of: UnsafeRawBufferPointer(rebasing: $0[range])) }
                    translation.numbers[code] = number
                }
                words[offset] = UInt64(number)
            }
        }
        if texts.dictionary != 0 { translations.append(translation) }
    }

    /// What is known of a dictionary, taken out so that it changes in place; with room for all its texts.
    private mutating func takeTranslation(of texts: ByteColumn) -> Translation {
        var translation = Translation(dictionary: texts.dictionary)
        if let known = translations.lastIndex(where: { $0.dictionary == texts.dictionary }) {
            translation = translations.remove(at: known)
        } else if texts.dictionary != 0, translations.count == Translation.most {
            translations.removeFirst()
        }
        let missing = texts.ends.count - translation.numbers.count
        if missing > 0 { translation.numbers.append(contentsOf: repeatElement(Translation.unknown, count: missing)) }
        return translation
    }

    // MARK: Texts

    /// The number of one text.
    private mutating func number(of text: UnsafeRawBufferPointer) -> UInt32 {
        slots.grow(toHold: ends.count)
        let hash = self.hash(text)
        var slots = slots
        self.slots = HashSlots.none
        defer { self.slots = slots }
        return slots.withSlots { UInt32(truncatingIfNeeded: number(of: text, hash, in: $0)) }
    }

    private func hash(_ text: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: KeyHash.of(text, seed: seed) >> 32)
    }

    private mutating func numberPlain(
        _ rows: Range<Int>, of texts: ByteColumn, nulls: [Bool]?, into words: UnsafeMutableBufferPointer<UInt64>
    ) {
        texts.bytes.withUnsafeBytes { bytes in
            texts.ends.withUnsafeBufferPointer { ends in
                hashTexts(rows, bytes, ends)
                var first = rows.lowerBound
                // The slots may grow in between, so that rows are taken in turns.
                while first < rows.upperBound {
                    let turn = first..<(first + min(rows.upperBound - first, max(64, slots.capacity - self.ends.count)))
                    slots.grow(toHold: self.ends.count + turn.count)
                    find(turn, from: rows.lowerBound, bytes, ends, nulls, into: words)
                    first = turn.upperBound
                }
            }
        }
    }

    private mutating func hashTexts(_ rows: Range<Int>, _ bytes: UnsafeRawBufferPointer, _ ends: UnsafeBufferPointer<Int>) {
        if hashes.count < rows.count { hashes = [UInt32](repeating: 0, count: rows.count) }
        let seed = seed
        hashes.withUnsafeMutableBufferPointer { hashes in
            var start = rows.lowerBound == 0 ? 0 : ends[rows.lowerBound - 1]
            for (offset, row) in rows.enumerated() {
                let end = ends[row]
                let hash = KeyHash.of(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), seed: seed)
                hashes[offset] = UInt32(truncatingIfNeeded: hash >> 32)
                start = end
            }
        }
    }

    private mutating func find(
        _ turn: Range<Int>, from base: Int, _ bytes: UnsafeRawBufferPointer, _ ends: UnsafeBufferPointer<Int>, _ nulls: [Bool]?,
        into words: UnsafeMutableBufferPointer<UInt64>
    ) {
        let first = turn.lowerBound == 0 ? 0 : ends[turn.lowerBound - 1]
        self.bytes.makeRoom(for: self.bytes.count + ends[turn.upperBound - 1] - first)
        self.ends.makeRoom(for: self.ends.count + turn.count)
        // Taken out, so that each has one owner while texts are added.
        var slots = slots
        self.slots = HashSlots.none
        let hashes = hashes
        self.hashes = []
        let (mask, isLarge, hasNulls) = (slots.mask, slots.isLarge, nulls != nil)
        slots.withSlots { slots in
            withUnsafeBufferPointers(hashes, nulls ?? []) { hashes, isNull in
                var start = first
                for row in turn {
                    let offset = row &- base
                    if isLarge, row &+ HashSlots.ahead < turn.upperBound {
                        HashSlots.fetch(slots.baseAddress, Int(hashes[offset &+ HashSlots.ahead]) & mask)
                        fetchText(of: hashes[offset &+ HashSlots.ahead / 2], in: slots, mask)
                    }
                    let end = ends[row]
                    // NULL rows have no text to be kept.
                    if hasNulls, isNull[row] {
                        words[offset] = 0
                    } else {
                        let text = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                        words[offset] = UInt64(truncatingIfNeeded: number(of: text, hashes[offset], in: slots))
                    }
                    start = end
                }
            }
        }
        self.slots = slots
        self.hashes = hashes
    }

    /// Begins to fetch what tells where a text lies that is probably the one looked for.
    @inline(__always)
    private func fetchText(of hash: UInt32, in slots: UnsafeMutableBufferPointer<UInt64>, _ mask: Int) {
        let slot = slots[Int(hash) & mask]
        guard slot != 0, HashSlots.hash(slot) == hash else { return }
        ends.withUnsafeBufferPointer { HashSlots.fetch($0.baseAddress, HashSlots.number(slot)) }
    }

    /// - Precondition: there is room for one more.
    @inline(__always)
    private mutating func number(
        of text: UnsafeRawBufferPointer, _ hash: UInt32, in slots: UnsafeMutableBufferPointer<UInt64>
    ) -> Int {
        let mask = slots.count &- 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            let number = HashSlots.number(slots[slot])
            if HashSlots.hash(slots[slot]) == hash, isText(number, text) { return number }
            slot = (slot &+ 1) & mask
        }
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        slots[slot] = HashSlots.slot(number: ends.count - 1, hash: hash)
        return ends.count - 1
    }

    @inline(__always)
    private func isText(_ number: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let start = ends[number - 1]
        guard ends[number] - start == text.count else { return false }
        return bytes.withUnsafeBytes { KeyHash.areEqual(UnsafeRawBufferPointer(rebasing: $0[start..<(start + text.count)]), text) }
    }

    /// The texts of numbers.
    func texts(_ numbers: [UInt32]) -> ByteColumn { ByteColumn(codes: numbers, bytes: bytes, ends: ends) }

    /// Forgets all texts.
    mutating func removeAll() {
        // The arrays may be in use by rows that have left.
        self = TextNumbers()
    }
}

/// A seeded hash of keys: 64-bit products folded, as wyhash and its kin do.
enum KeyHash {
    /// Differs from process to process.
    static let processSeed = UInt64.random(in: .min ... .max)

    @inline(__always)
    static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var state = seed ^ 0xa076_1d64_78bd_642f
        let length = bytes.count
        var a: UInt64 = 0
        var b: UInt64 = 0
        if length > 16 {
            var start = 0
            while length - start > 16 {
                state = fold(word(bytes, start) ^ 0xe703_7ed1_a0b4_28db, word(bytes, start + 8) ^ state)
                start += 16
            }
            a = word(bytes, length - 16)
            b = word(bytes, length - 8)
        } else if length >= 8 {
            a = word(bytes, 0)
            b = word(bytes, length - 8)
        } else if length >= 4 {
            a = UInt64(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            b = UInt64(bytes.loadUnaligned(fromByteOffset: length - 4, as: UInt32.self))
        } else if length > 0 {
            a = UInt64(bytes[0]) << 16 | UInt64(bytes[length / 2]) << 8 | UInt64(bytes[length - 1])
        }
        return fold(0xe703_7ed1_a0b4_28db ^ UInt64(length), fold(a ^ 0xe703_7ed1_a0b4_28db, b ^ state))
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// Whether texts of one length are equal.
    @inline(__always)
    static func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        if a.count >= 8, a.count <= 16 {
            return word(a, 0) == word(b, 0) && word(a, a.count - 8) == word(b, a.count - 8)
        }
        guard let first = a.baseAddress, let second = b.baseAddress else { return true }
        return memcmp(first, second, a.count) == 0
    }
}

/// Lends the memory of two arrays.
private func withUnsafeBufferPointers<A, B>(
    _ a: [A], _ b: [B], _ body: (UnsafeBufferPointer<A>, UnsafeBufferPointer<B>) -> Void
) {
    a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { b in body(a, b) } }
}
