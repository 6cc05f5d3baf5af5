/// The aggregate functions, on values.

import StreamSQL
import Testing

@Suite("Aggregate functions")
struct AggregateFunctionsTests {
    /// The results of groups over rows, by feeding them in pieces of a size.
    private func results(
        _ name: String, _ argument: Column?, groups: [Int], pieces: Int = 3, throughState: Bool = false
    ) throws -> (values: [SQLValue], type: SQLType, errors: [RowError]) {
        let function = try #require(AggregateFunctions.named(name))
        let signature = try function.resolve(argument?.type)
        #expect(signature.arguments == (argument.map { [$0.type] } ?? []), "the test gives the widened type")
        var accumulator = function.makeAccumulator(argument?.type, signature.result)
        let count = (groups.max() ?? -1) + 1
        var start = 0
        while start < groups.count {
            let rows = start..<min(groups.count, start + pieces)
            accumulator.grow(to: (groups[..<rows.upperBound].max() ?? -1) + 1)
            accumulator.update(groups: Array(groups[rows]), argument: argument?.slice(rows))
            if throughState {
                let state = accumulator.stateColumns()
                var fresh = function.makeAccumulator(argument?.type, signature.result)
                #expect(fresh.stateColumns().map(\.type) == state.map(\.type))
                fresh.restore(state, count: state.first?.count ?? 0)
                accumulator = fresh
            }
            start = rows.upperBound
        }
        accumulator.grow(to: count)
        var errors: [RowError] = []
        let column = accumulator.results(errors: &errors)
        #expect(column.type == signature.result && column.count == count)
        return ((0..<count).map { column.value(at: $0) }, signature.result, errors)
    }

    private let integers = Column(.integer, values: [.integer(29), .integer(32), .null, .integer(-25), .integer(6), .null])
    private let groups = [0, 0, 0, 1, 1, 2]

    @Test(
        "results are the same in one piece, in several, and through saved state",
        arguments: [
            ("COUNT", [SQLValue.integer(2), .integer(2), .integer(0)]), ("SUM", [.integer(61), .integer(-19), .null]),
            ("AVG", [.integer(30), .integer(-9), .null]), ("MIN", [.integer(29), .integer(-25), .null]),
            ("MAX", [.integer(32), .integer(6), .null]), ("FIRST_VALUE", [.integer(29), .integer(-25), .null]),
            ("LAST_VALUE", [.null, .integer(6), .null]),
        ])
    func values(_ name: String, _ expected: [SQLValue]) throws {
        for (pieces, throughState) in [(6, false), (1, false), (4, false), (1, true)] {
            #expect(try results(name, integers, groups: groups, pieces: pieces, throughState: throughState).values == expected)
        }
    }

    @Test("COUNT(*) counts rows with NULLs too")
    func countRows() throws {
        #expect(try results("COUNT", nil, groups: groups).values == [.integer(3), .integer(2), .integer(1)])
    }

    @Test("result types follow the argument's")
    func types() throws {
        func type(_ name: String, _ argument: SQLType) throws -> SQLType {
            try #require(AggregateFunctions.named(name)).resolve(argument).result
        }
        #expect(try type("SUM", .smallint) == .bigint)
        #expect(try type("SUM", .decimal(precision: 5, scale: 2)) == .decimal(precision: 18, scale: 2))
        #expect(try type("SUM", .real) == .double)
        #expect(try type("AVG", .tinyint) == .tinyint)
        #expect(try type("AVG", .decimal(precision: 5, scale: 2)) == .decimal(precision: 18, scale: 6))
        #expect(try type("AVG", .decimal(precision: 18, scale: 2)) == .decimal(precision: 18, scale: 2))
        #expect(try type("MIN", .varchar(7)) == .varchar(7))
        #expect(try type("STDDEV", .integer) == .double)
        #expect(throws: SignatureError.self) { try type("SUM", .varchar(3)) }
        #expect(throws: SignatureError.self) { try type("AVG", .interval(IntervalQualifier(.day))) }
        #expect(throws: SignatureError.self) { try type("ANY", .integer) }
        #expect(throws: SignatureError.self) { _ = try #require(AggregateFunctions.named("SUM")).resolve(nil) }
    }

    @Test("a sum fails for the group that does not fit, not on the way")
    func overflow() throws {
        let column = Column(.bigint, values: [.integer(.max), .integer(.max), .integer(-.max), .integer(.max), .integer(1)])
        let result = try results("SUM", column, groups: [0, 0, 0, 1, 1])
        #expect(result.values == [.integer(.max), .null])
        #expect(result.errors.map(\.row) == [1])
        let average = try results("AVG", column, groups: [0, 0, 0, 1, 1])
        #expect(average.values == [.integer(.max / 3), .integer(1 << 62)] && average.errors.isEmpty)
        let decimals = Column(.decimal(precision: 18, scale: 0), values: [.integer(999_999_999_999_999_999), .integer(1)])
        #expect(try results("SUM", decimals, groups: [0, 0]).errors.count == 1)
        let doubles = Column(.double, values: [.double(1.7e308), .double(1.7e308)])
        #expect(try results("SUM", doubles, groups: [0, 0]).errors.count == 1)
    }

    @Test("averages of decimals keep six digits and round half away from zero")
    func decimalAverage() throws {
        let column = Column(
            .decimal(precision: 5, scale: 2),
            values: [.integer(100), .integer(0), .integer(0), .integer(-1), .integer(0), .integer(-1)])
        #expect(try results("AVG", column, groups: [0, 0, 0, 1, 1, 1]).values == [.integer(333_333), .integer(-6_667)])
    }

    @Test("sums of doubles depend on the order of rows only")
    func doubleSums() throws {
        var values: [Double] = []
        for number in 0..<500 {
            let scale = number % 2 == 0 ? 1e10 : 1e-6
            values.append(Double(number * 7919 % 1000) / 7 * scale)
        }
        let column = Column(.double, .doubles(values))
        let expected = values.reduce(0, +)
        for pieces in [1, 7, 500] {
            #expect(
                try results("SUM", column, groups: [Int](repeating: 0, count: 500), pieces: pieces).values == [.double(expected)])
        }
    }

    @Test(
        "variances of samples and populations",
        arguments: [
            ("VAR_POP", 4.0), ("VAR_SAMP", 32.0 / 7), ("STDDEV_POP", 2.0), ("STDDEV_SAMP", (32.0 / 7).squareRoot()),
        ])
    func variances(_ name: String, _ expected: Double) throws {
        let column = Column(.double, values: [2, 4, 4, 4, 5, 5, 7, 9].map { .double($0) } + [.double(3), .null])
        let groups = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2]
        let result = try results(name, column, groups: groups, throughState: true).values
        #expect(result == [.double(expected), name.hasSuffix("SAMP") ? .null : .double(0), .null])
    }

    @Test("smallest and largest texts go by code point")
    func texts() throws {
        let column = Column(.varchar(8), values: ["b", "a", "é", "z", "", "ab"].map { .text($0) })
        #expect(try results("MIN", column, groups: [0, 0, 0, 0, 1, 1]).values == [.text("a"), .text("")])
        #expect(
            try results("MAX", column, groups: [0, 0, 0, 0, 1, 1], pieces: 1, throughState: true).values == [
                .text("é"), .text("ab"),
            ])
    }

    @Test("ANY and EVERY take NULL as not TRUE")
    func truths() throws {
        let column = Column(.boolean, values: [.boolean(true), .null, .boolean(true), .boolean(true), .boolean(false), .null])
        let groups = [0, 0, 1, 1, 2, 3]
        #expect(
            try results("ANY", column, groups: groups).values == [.boolean(true), .boolean(true), .boolean(false), .boolean(false)])
        #expect(
            try results("EVERY", column, groups: groups).values == [
                .boolean(false), .boolean(true), .boolean(false), .boolean(false),
            ])
    }

    @Test("an accumulator that forgot its groups starts anew", arguments: AggregateFunctions.all.map(\.name))
    func forgetting(_ name: String) throws {
        let function = try #require(AggregateFunctions.named(name))
        let type: SQLType = ["ANY", "EVERY"].contains(name) ? .boolean : .double
        let column = type == .boolean ? Column(.boolean, .booleans([true, false])) : Column(.double, .doubles([1, 3]))
        let signature = try function.resolve(type)
        var used = function.makeAccumulator(type, signature.result)
        used.grow(to: 2)
        used.update(groups: [0, 1], argument: column)
        used.removeAll()
        var fresh = function.makeAccumulator(type, signature.result)
        for rows in [0..<1, 0..<2] {
            used.grow(to: 1)
            fresh.grow(to: 1)
            used.update(groups: rows.map { _ in 0 }, argument: column.slice(rows))
            fresh.update(groups: rows.map { _ in 0 }, argument: column.slice(rows))
        }
        #expect(used.stateColumns() == fresh.stateColumns())
    }

    @Test("what an aggregate takes back leaves the results of the rest; the others say that they cannot")
    func retraction() throws {
        let decimals = Column(
            .decimal(precision: 9, scale: 2),
            values: [.integer(1_000), .integer(-250), .null, .integer(99), .integer(7), .integer(1)])
        for (name, argument) in [("COUNT", nil), ("COUNT", integers), ("SUM", integers), ("AVG", integers), ("SUM", decimals)]
            as [(String, Column?)]
        {
            let function = try #require(AggregateFunctions.named(name))
            let result = try function.resolve(argument?.type).result
            var all = function.makeAccumulator(argument?.type, result)
            #expect(all.retracts)
            all.grow(to: 3)
            all.update(groups: groups, argument: argument)
            all.retract(groups: [0, 0, 1], argument: argument?.gather(rows: [0, 2, 4]))
            var rest = function.makeAccumulator(argument?.type, result)
            rest.grow(to: 3)
            rest.update(groups: [0, 1, 2], argument: argument?.gather(rows: [1, 3, 5]))
            var errors: [RowError] = []
            #expect(all.results(errors: &errors) == rest.results(errors: &errors), "\(name)")
            #expect(all.stateColumns() == rest.stateColumns(), "\(name)")
        }
        for (name, type) in [
            ("MIN", .integer), ("MAX", .double), ("SUM", .double), ("AVG", .double), ("FIRST_VALUE", .varchar(4)),
            ("VAR_POP", .double),
        ]
            as [(String, SQLType)]
        {
            let function = try #require(AggregateFunctions.named(name))
            #expect(!function.makeAccumulator(type, try function.resolve(type).result).retracts, "\(name)")
        }
    }

    @Test("the state of some groups is theirs in the state of all")
    func stateOfGroups() throws {
        let texts = Column(.varchar(4), values: [.text("b"), .null, .text("aa"), .text("c"), .text(""), .null])
        let doubles = Column(.double, values: [.double(1), .double(2.5), .null, .double(-4), .double(0), .null])
        let truths = Column(.boolean, values: [.boolean(true), .null, .boolean(false), .boolean(true), .boolean(true), .null])
        for (name, argument) in [
            ("COUNT", integers), ("SUM", integers), ("SUM", doubles), ("AVG", integers), ("AVG", doubles), ("MIN", texts),
            ("MAX", doubles),
            ("FIRST_VALUE", texts), ("LAST_VALUE", truths), ("VAR_SAMP", doubles), ("ANY", truths), ("EVERY", truths),
        ] {
            let function = try #require(AggregateFunctions.named(name))
            var accumulator = function.makeAccumulator(argument.type, try function.resolve(argument.type).result)
            accumulator.grow(to: 3)
            accumulator.update(groups: groups, argument: argument)
            let all = accumulator.stateColumns()
            for some in [[], [2, 0], [1], [0, 1, 2]] {
                let columns = accumulator.stateColumns(of: some)
                #expect(columns.map(\.type) == all.map(\.type))
                for (column, whole) in zip(columns, all) {
                    #expect(some.indices.map { column.value(at: $0) } == some.map { whole.value(at: $0) }, "\(name)")
                }
            }
        }
    }
}
