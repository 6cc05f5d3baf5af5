/// Writes the instructions of a pattern.

struct RegularExpressionCompiler {
    private typealias Instruction = RegularExpression.Instruction
    private var program: [Instruction] = []
    private var steps = 0

    /// A pattern with repetitions written out has at most this many instructions.
    private static let maxInstructions = 20_000
    /// Repetitions of nothing grow no program but take time all the same.
    private static let maxSteps = 200_000

    /// - Throws: for a pattern that is too large.
    static func program(of node: RegularExpressionNode) throws(RowFailure) -> [RegularExpression.Instruction] {
        var compiler = RegularExpressionCompiler()
        compiler.program.append(.save(0))
        try compiler.emit(node)
        compiler.program.append(.save(1))
        compiler.program.append(.match)
        return compiler.program
    }

    private mutating func emit(_ node: RegularExpressionNode) throws(RowFailure) {
        steps += 1
        guard program.count < Self.maxInstructions, steps < Self.maxSteps else { throw .argument("The pattern is too large.") }
        switch node {
        case .scalar(let scalars): program.append(.scalar(scalars))
        case .assertion(let assertion): program.append(.assert(assertion))
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .choice(let nodes):
            var ends: [Int] = []
            for (index, node) in nodes.enumerated() {
                guard index < nodes.count - 1 else {
                    try emit(node)
                    break
                }
                let split = program.count
                program.append(.split(split + 1, split + 1))
                try emit(node)
                ends.append(program.count)
                program.append(.jump(0))
                program[split] = .split(split + 1, program.count)
            }
            for end in ends { program[end] = .jump(program.count) }
        case .group(let node, let number):
            program.append(.save(2 * number))
            try emit(node)
            program.append(.save(2 * number + 1))
        case .repetition(let node, let least, let most, let isGreedy):
            for _ in 0..<least { try emit(node) }
            if let most {
                var splits: [Int] = []
                for _ in least..<max(least, most) {
                    splits.append(program.count)
                    program.append(.jump(0))
                    try emit(node)
                }
                for split in splits { program[split] = Self.choose(split + 1, program.count, isGreedy) }
            } else {
                let split = program.count
                program.append(.jump(0))
                try emit(node)
                program.append(.jump(split))
                program[split] = Self.choose(split + 1, program.count, isGreedy)
            }
        }
    }

    private static func choose(_ inside: Int, _ after: Int, _ isGreedy: Bool) -> Instruction {
        isGreedy ? .split(inside, after) : .split(after, inside)
    }
}
