/// The examples in the functions' documentation are true.

import StreamSQL
import Testing

@Suite("Examples") struct ExampleTests {
    private static let examples = ScalarFunctions.all.filter { $0.example != nil }

    @Test("each function's example gives what it says", arguments: examples)
    func example(_ function: ScalarFunction) throws {
        let example = try #require(function.example)
        #expect(shown(try Planner.expression(example.sql)) == example.gives)
    }

    @Test("every function but the clocks has an example")
    func complete() {
        let without = ScalarFunctions.all.filter { $0.example == nil }.map(\.name)
        #expect(without.allSatisfy { $0.hasPrefix("CURRENT_") || $0.hasPrefix("LOCALTIME") })
    }
}
