/// Numbers for texts: equal texts have equal numbers, so that keys compare as numbers.

import StreamSQL

/// Numbers texts in the order of their first appearance, from 1; 0 stands for NULL. Hashes are seeded, so that chosen texts cannot make it slow;
/// numbers do not depend on them.
struct TextNumbers: Sendable {
    private var bytes: [UInt8] = []
    /// Where each text ends; number 0 is empty.
    private var ends: [Int] = [0]
    private var hashes: [UInt32] = [0]
    /// Numbers, 0 where free. A power of two, at most half full.
    private var slots = [UInt32](repeating: 0, count: 64)
    private let seed = KeyHash.processSeed
    /// The numbers of a dictionary's texts, as far as they were met.
    private var translation: [UInt32] = []
    private var translated: UInt64 = 0

    private static let unknown = UInt32.max

    var byteCount: Int { bytes.count + ends.count * 12 + slots.count * 4 + translation.count * 4 }

    /// Writes the numbers of rows of a column to `words`.
    mutating func number(_ rows: Range<Int>, of texts: ByteColumn, nulls: [Bool]?, into words: UnsafeMutableBufferPointer<UInt64>) {
        if let codes = texts.codes {
            number(rows, codes: codes, of: texts, into: words)
        } else {
            texts.bytes.withUnsafeBytes { bytes in
                var start = rows.lowerBound == 0 ? 0 : texts.ends[rows.lowerBound - 1]
                for (offset, row) in rows.enumerated() {
                    let end = texts.ends[row]
                    // NULL rows have no text to be kept.
                    let isNull = nulls?[row] ?? false
                    words[offset] = isNull ? 0 : UInt64(number(of: UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
                    start = end
                }
            }
        }
        guard let nulls else { return }
        for (offset, row) in rows.enumerated() where nulls[row] { words[offset] = 0 }
    }

    private mutating func number(
        _ rows: Range<Int>, codes: [UInt32], of texts: ByteColumn, into words: UnsafeMutableBufferPointer<UInt64>
    ) {
        if translated != texts.dictionary || texts.dictionary == 0 {
            translated = texts.dictionary
            translation.removeAll(keepingCapacity: true)
        }
        if translation.count < texts.ends.count {
            translation.append(contentsOf: repeatElement(Self.unknown, count: texts.ends.count - translation.count))
        }
        codes.withUnsafeBufferPointer { codes in
            for (offset, row) in rows.enumerated() {
                let code = Int(codes[row])
                var number = translation[code]
                if number == Self.unknown {
                    let range = (code == 0 ? 0 : texts.ends[code - 1])..<texts.ends[code]
                    number = texts.bytes.withUnsafeBytes { self.number(of: UnsafeRawBufferPointer(rebasing: $0[range])) }
                    translation[code] = number
                }
                words[offset] = UInt64(number)
            }
        }
    }

    /// The number of a text.
    private mutating func number(of text: UnsafeRawBufferPointer) -> UInt32 {
        let hash = KeyHash.of(text, seed: seed)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        let short = UInt32(truncatingIfNeeded: hash >> 32)
        while slots[slot] != 0 {
            let number = Int(slots[slot])
            if hashes[number] == short, isText(number, text) { return UInt32(number) }
            slot = (slot + 1) & mask
        }
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        hashes.append(short)
        let number = UInt32(ends.count - 1)
        slots[slot] = number
        if ends.count * 2 > slots.count { grow() }
        return number
    }

    private func isText(_ number: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let start = ends[number - 1]
        guard ends[number] - start == text.count else { return false }
        return bytes.withUnsafeBytes { KeyHash.areEqual(UnsafeRawBufferPointer(rebasing: $0[start..<(start + text.count)]), text) }
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 4)
        let mask = slots.count - 1
        bytes.withUnsafeBytes { bytes in
            for number in 1..<ends.count {
                let text = UnsafeRawBufferPointer(rebasing: bytes[ends[number - 1]..<ends[number]])
                var slot = Int(truncatingIfNeeded: KeyHash.of(text, seed: seed)) & mask
                while slots[slot] != 0 { slot = (slot + 1) & mask }
                slots[slot] = UInt32(number)
            }
        }
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
        return a.elementsEqual(b)
    }
}
