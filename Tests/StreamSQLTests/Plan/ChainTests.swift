/// Long chains of operators: no nesting, and safe on small stacks.

import Foundation
import StreamSQL
import Testing

@Suite("Long chains of operators")
struct ChainTests {
    /// Plans, copies, compares, hashes, evaluates and drops an expression on a thread with a stack of 512 KB.
    private func onSmallStack(_ text: String) async -> String {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: Self.value(text)) }
            // Code that is not optimised takes several times the stack.
            #if DEBUG
                thread.stackSize = 4 << 20
            #else
                thread.stackSize = 512 << 10
            #endif
            thread.start()
        }
    }

    private static func value(_ text: String) -> String {
        do throws(ProgramErrors) {
            let expression = try Planner.expression(text, over: Plans.mixedInput.columns)
            let again = try Planner.expression(text, over: Plans.mixedInput.columns)
            guard expression == again, expression.hashValue == again.hashValue else { return "unequal" }
            _ = try Planner.plan(
                """
                CREATE STREAM O (n BIGINT, x VARCHAR(9)); CREATE FUNCTION f(p INTEGER) RETURNS INTEGER RETURN p;
                CREATE PUMP P AS INSERT INTO O SELECT STREAM COUNT(*), CAST(MAX(\(text)) AS VARCHAR(9)) FROM S
                WHERE \(text) IS NOT NULL GROUP BY STEP(S.ROWTIME BY INTERVAL '1' SECOND), \(text);
                """, inputs: [Plans.mixedInput])
            var columns = Plans.mixedInput.columns.map { Column.repeating(.null, $0.type, count: 1) }
            columns[0] = .repeating(.integer(1), .integer, count: 1)
            columns[1] = .repeating(.text("b"), .varchar(8), count: 1)
            var context = EvaluationContext(count: 1, clockMilliseconds: 0, queryStartMilliseconds: 0)
            let column = Evaluator().evaluate(expression, over: ColumnBatch(rowtimes: [0], columns: columns), context: &context)
            switch column.value(at: 0) {
            case .text(let text): return "\(text.utf8.count) bytes"
            case .integer(let value): return "\(value)"
            case let other: return "\(other)"
            }
        } catch {
            return error.errors.first?.message ?? ""
        }
    }

    private static func chain(_ first: String, _ more: String, terms: Int) -> String {
        first + String(repeating: more, count: terms - 1)
    }

    @Test("two thousand joined texts and hundreds of sums plan and run on a small stack")
    func lengths() async {
        #expect(await onSmallStack(Self.chain("b", " || b", terms: 2000)) == "2000 bytes")
        #expect(await onSmallStack(Self.chain("b", " || A", terms: 2000)) == "2000 bytes")
        #expect(await onSmallStack(Self.chain("A", " + 1", terms: 490)) == "490")
        #expect(await onSmallStack(Self.chain("A", " - A * 1 + 2", terms: 240)) == "240")
        #expect(await onSmallStack("(" + Self.chain("A", " + 1", terms: 100) + ")" + Self.chain("", " * 1", terms: 390)) == "100")
    }

    @Test("longer chains are refused, nested ones too")
    func refusals() async {
        for text in [
            Self.chain("A", " + 1", terms: 510), Self.chain("A", " + 1", terms: 2000), Self.chain("b", " || b", terms: 2001),
            Self.chain(String(repeating: "(", count: 50) + "A", String(repeating: " + 1", count: 30) + ")", terms: 51),
        ] {
            #expect(await onSmallStack(text).hasPrefix("this expression is too long"))
        }
        // The deepest nesting allowed around the longest chain.
        let wrapped =
            String(repeating: "ABS(", count: 110) + Self.chain("A", " + 1", terms: 490) + String(repeating: ")", count: 110)
        #expect(await onSmallStack(wrapped) == "490")
    }

    @Test("operators of a chain apply from the left")
    func order() async {
        #expect(await onSmallStack("100 - 10 - 1 + 2 * 3 * 4 / 6 / 2") == "91")
        #expect(await onSmallStack("'a' || 1 + 2 || 'b'").contains("cannot"))
        #expect(await onSmallStack("'a' || (1 + 2) || 'b' || NULL || 'c'") == "null")
    }
}
