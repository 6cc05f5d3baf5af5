/// Regular expressions that cannot run away: matching takes time proportional to the text, whatever the pattern.

/// A compiled pattern. The syntax is that of Java without back references, look-around and possessive repetition; of alternatives the
/// first that leads to a match is taken, as there. Ordinary texts are matched by trial (`RegularExpressionTrial`), very long ones by
/// following all states at once (R. Cox, "Regular Expression Matching: the Virtual Machine Approach").
struct RegularExpression: Sendable {
    enum Instruction: Sendable {
        case scalar(CharacterClass)
        /// Both ways, the first preferred.
        case split(Int, Int)
        case jump(Int)
        case save(Int)
        case assert(Assertion)
        case match
    }

    enum Assertion: Sendable { case start, end, endBeforeNewline, wordBoundary, notWordBoundary }

    let program: [Instruction]
    let groupCount: Int
    private let trial: RegularExpressionTrial

    /// - Throws: a description of what is wrong with the pattern.
    init(_ pattern: String) throws(RowFailure) {
        var parser = RegularExpressionParser(pattern)
        let node = try parser.parse()
        self = try RegularExpression(node, groupCount: parser.groupCount)
    }

    init(_ node: RegularExpressionNode, groupCount: Int) throws(RowFailure) {
        self.groupCount = groupCount
        program = try RegularExpressionCompiler.program(of: node)
        trial = RegularExpressionTrial(program, groupCount: groupCount)
    }

    /// Byte positions of the whole match and of each group; nil for groups that took no part.
    typealias Match = [Int?]

    /// The first match that begins at `start` or, unless `anchored`, later.
    ///
    /// - Parameter whole: only a match that reaches the text's end counts.
    func firstMatch(
        in text: UnsafeRawBufferPointer, from start: Int = 0, anchored: Bool = false, whole: Bool = false
    ) -> Match? {
        if trial.takes(text.count - start) { return trial.firstMatch(in: text, from: start, anchored: anchored, whole: whole) }
        return firstMatchOfAllStates(in: text, from: start, anchored: anchored, whole: whole)
    }

    /// The same by following all states at once.
    func firstMatchOfAllStates(in text: UnsafeRawBufferPointer, from start: Int, anchored: Bool, whole: Bool) -> Match? {
        var current = Threads(program.count)
        var next = Threads(program.count)
        var best: Match?
        var index = start
        let empty = Match(repeating: nil, count: 2 * (groupCount + 1))
        while true {
            if best == nil && (!anchored || index == start) { add(0, empty, to: &current, text, index) }
            if current.states.isEmpty && (anchored || best != nil) { break }
            let (scalar, end) = text.scalar(at: index)
            steps: for thread in current.states {
                switch program[thread.instruction] {
                case .scalar(let scalars):
                    if let scalar, scalars.contains(scalar) { add(thread.instruction + 1, thread.groups, to: &next, text, end) }
                case .match where !whole || index == text.count:
                    best = thread.groups
                    // The threads after this one are less preferred than its match.
                    break steps
                default: continue
                }
            }
            current.removeAll()
            swap(&current, &next)
            guard scalar != nil else { break }
            index = end
        }
        return best
    }

    private struct Threads {
        var states: [(instruction: Int, groups: Match)] = []
        private var isPresent: [Bool]
        private var present: [Int] = []

        init(_ count: Int) { isPresent = [Bool](repeating: false, count: count) }

        mutating func enter(_ instruction: Int) -> Bool {
            guard !isPresent[instruction] else { return false }
            isPresent[instruction] = true
            present.append(instruction)
            return true
        }

        mutating func removeAll() {
            states.removeAll(keepingCapacity: true)
            for instruction in present { isPresent[instruction] = false }
            present.removeAll(keepingCapacity: true)
        }
    }

    /// Follows everything that consumes no character, in order of preference.
    private func add(_ instruction: Int, _ groups: Match, to threads: inout Threads, _ text: UnsafeRawBufferPointer, _ index: Int) {
        var pending = [(instruction, groups)]
        while let (instruction, groups) = pending.popLast() {
            guard threads.enter(instruction) else { continue }
            switch program[instruction] {
            case .jump(let target): pending.append((target, groups))
            case .split(let first, let second):
                pending.append((second, groups))
                pending.append((first, groups))
            case .save(let slot):
                var groups = groups
                groups[slot] = index
                pending.append((instruction + 1, groups))
            case .assert(let assertion):
                if assertion.holds(text, index) { pending.append((instruction + 1, groups)) }
            case .scalar, .match: threads.states.append((instruction, groups))
            }
        }
    }
}

extension RegularExpression.Assertion {
    func holds(_ text: UnsafeRawBufferPointer, _ index: Int) -> Bool {
        func isWord(_ position: Int) -> Bool {
            guard text.indices.contains(position) else { return false }
            return CharacterClass.word.contains(UInt32(text[position]))
        }
        switch self {
        case .start: return index == 0
        case .end: return index == text.count
        case .endBeforeNewline: return index == text.count || index == text.count - 1 && text[index] == 10
        case .wordBoundary: return isWord(index - 1) != isWord(index)
        case .notWordBoundary: return isWord(index - 1) == isWord(index)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The character at a byte position and the position after it; nil at the end. Bytes that are not UTF-8 are U+FFFD.
    func scalar(at index: Int) -> (scalar: UInt32?, end: Int) {
        guard index < count else { return (nil, index) }
        let first = self[index]
        if first < 0x80 { return (UInt32(first), index + 1) }
        let end = nextScalar(after: index)
        var value = UInt32(first) & (first >= 0xF0 ? 0x07 : first >= 0xE0 ? 0x0F : 0x1F)
        for byte in self[(index + 1)..<end].prefix(3) { value = value << 6 | UInt32(byte & 0x3F) }
        return (value, end)
    }
}

/// One pattern over many texts, for the benchmark that sets this engine beside others.
package struct PatternTrial: Sendable {
    private let expression: RegularExpression

    /// - Throws: `RowFailure`, what is wrong with the pattern.
    package init(_ pattern: String) throws { expression = try RegularExpression(pattern) }

    /// Whether the pattern is found in a text, with the places of its groups.
    package func matches(_ text: [UInt8]) -> Bool { text.withUnsafeBytes { expression.firstMatch(in: $0) != nil } }
}
