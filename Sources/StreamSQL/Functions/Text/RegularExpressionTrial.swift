/// Matching by trying one way after the other, for texts and patterns of ordinary size: the same matches as following all states at once, several times
/// faster.
///
/// A way that has failed from an instruction at a position is not tried again from there, so that time is bounded by instructions times positions (R. Cox,
/// "Regular Expression Matching in the Wild", 2010: bit-state search).
struct RegularExpressionTrial: Sendable {
    private enum Kind: UInt8 { case scalar, split, jump, save, assert, match }

    private struct Step: Sendable {
        var kind: Kind
        /// The preferred way, the target, the slot.
        var first: Int32 = 0
        /// The other way; of a split, `number` tells it from the others.
        var second: Int32 = 0
        var number: Int32 = 0
        /// The ASCII characters that a scalar takes.
        var low: UInt64 = 0
        var high: UInt64 = 0
    }

    private var steps: [Step] = []
    private var classes: [CharacterClass] = []
    private var assertions: [RegularExpression.Assertion] = []
    private var splitCount = 0
    private let slotCount: Int

    /// How many bits may be kept of what has failed.
    private static let mostBits = 1 << 16

    init(_ program: [RegularExpression.Instruction], groupCount: Int) {
        slotCount = 2 * (groupCount + 1)
        for instruction in program {
            switch instruction {
            case .scalar(let set):
                var step = Step(kind: .scalar, first: Int32(classes.count))
                for scalar in UInt32(0)..<128 where set.contains(scalar) {
                    if scalar < 64 { step.low |= 1 << UInt64(scalar) } else { step.high |= 1 << UInt64(scalar - 64) }
                }
                classes.append(set)
                steps.append(step)
            case .split(let first, let second):
                steps.append(Step(kind: .split, first: Int32(first), second: Int32(second), number: Int32(splitCount)))
                splitCount += 1
            case .jump(let target): steps.append(Step(kind: .jump, first: Int32(target)))
            case .save(let slot): steps.append(Step(kind: .save, first: Int32(slot)))
            case .assert(let assertion):
                steps.append(Step(kind: .assert, first: Int32(assertions.count)))
                assertions.append(assertion)
            case .match: steps.append(Step(kind: .match))
            }
        }
    }

    /// Whether the text is short enough for the pattern.
    func takes(_ length: Int) -> Bool { length < Self.mostBits && max(1, splitCount) * (length + 1) <= Self.mostBits }

    /// What is still to be tried, or a slot to be set back.
    private struct Pending {
        var step: Int32
        /// -1 where `step` is a slot whose value was `position`.
        var position: Int
        var slotValue: Int
    }

    /// The same as `RegularExpression.firstMatch`.
    /// - Precondition: `takes` the text's length.
    func firstMatch(in text: UnsafeRawBufferPointer, from start: Int, anchored: Bool, whole: Bool) -> RegularExpression.Match? {
        let width = text.count - start + 1
        if width <= 0 { return nil }
        let words = (max(1, splitCount) * width + 63) / 64
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { failed in
            failed.initialize(repeating: 0)
            var slots = [Int](repeating: -1, count: slotCount)
            var pending: [Pending] = []
            var at = start
            while true {
                if run(text, at, start, width, whole, failed, &slots, &pending) { return slots.map { $0 < 0 ? nil : $0 } }
                if anchored || at >= text.count { return nil }
                at = text[at] < 0x80 ? at + 1 : text.nextScalar(after: at)
            }
        }
    }

    private func run(
        _ text: UnsafeRawBufferPointer, _ begin: Int, _ base: Int, _ width: Int, _ whole: Bool,
        _ failed: UnsafeMutableBufferPointer<UInt64>, _ slots: inout [Int], _ pending: inout [Pending]
    ) -> Bool {
        steps.withUnsafeBufferPointer { steps in
            pending.append(Pending(step: 0, position: begin, slotValue: 0))
            while let next = pending.popLast() {
                if next.position < 0 {
                    slots[Int(next.step)] = next.slotValue
                    continue
                }
                var (place, position) = (Int(next.step), next.position)
                trial: while true {
                    let step = steps[place]
                    switch step.kind {
                    case .scalar:
                        guard position < text.count else { break trial }
                        let byte = text[position]
                        if byte < 0x80 {
                            let bits = byte < 64 ? step.low : step.high
                            guard bits >> UInt64(byte & 63) & 1 != 0 else { break trial }
                            position += 1
                        } else {
                            let (scalar, end) = text.scalar(at: position)
                            guard let scalar, classes[Int(step.first)].contains(scalar) else { break trial }
                            position = end
                        }
                        place += 1
                    case .split:
                        let bit = Int(step.number) * width + position - base
                        guard failed[bit >> 6] >> UInt64(bit & 63) & 1 == 0 else { break trial }
                        failed[bit >> 6] |= 1 << UInt64(bit & 63)
                        pending.append(Pending(step: step.second, position: position, slotValue: 0))
                        place = Int(step.first)
                    case .jump: place = Int(step.first)
                    case .save:
                        let slot = Int(step.first)
                        pending.append(Pending(step: step.first, position: -1, slotValue: slots[slot]))
                        slots[slot] = position
                        place += 1
                    case .assert:
                        guard assertions[Int(step.first)].holds(text, position) else { break trial }
                        place += 1
                    case .match:
                        if !whole || position == text.count { return true }
                        break trial
                    }
                }
            }
            return false
        }
    }
}
