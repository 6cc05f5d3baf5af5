/// The index and the order of keys against a dictionary, under every kind of change.

import HostSimulation
import LatestValues
import Testing

@Suite struct KeyIndexTests {
    @Test("index and order say what a dictionary says", arguments: [1, 2, 3] as [UInt64])
    func model(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var index = KeyIndex()
        var order = KeyOrder(of: index)
        var model: [[UInt8]: Int64] = [:]
        for step in 0..<30_000 {
            // Few keys and short ones, so that they meet; some long, so that the packed keys are swept.
            let length = Int(generator.next() % 4) + 1
            var key = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next() % 12) }
            if generator.next() % 8 == 0 { key += [UInt8](repeating: 9, count: 300) }
            if generator.next() % 3 == 0 {
                if let number = key.withUnsafeBytes({ index.find($0) }) {
                    order.remove(number, in: index)
                    index.remove(number)
                }
                model[key] = nil
            } else {
                let set = key.withUnsafeBytes { index.set($0, location: Int64(step), revision: Int64(step), units: 3) }
                if let set, set.isNew { order.insert(set.number, in: index) }
                model[key] = Int64(step)
            }
        }
        #expect(index.count == model.count)
        for (key, value) in model {
            #expect(key.withUnsafeBytes { index.find($0) }.map { index[$0].location } == value)
        }
        let sorted = model.keys.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(order.numbers(in: KeyRange(), limit: .max, of: index).map(index.key) == sorted)
        #expect(KeyOrder(of: index).numbers(in: KeyRange(), limit: .max, of: index).map(index.key) == sorted)
        for _ in 0..<200 {
            let range = KeyRange(
                from: sorted[Int(generator.next() % UInt64(sorted.count))], to: sorted[Int(generator.next() % UInt64(sorted.count))]
            )
            let expected = sorted.filter {
                !$0.lexicographicallyPrecedes(range.start) && $0.lexicographicallyPrecedes(range.end ?? [])
            }
            #expect(order.numbers(in: range, limit: 50, of: index).map(index.key) == Array(expected.prefix(50)))
        }
    }
}
