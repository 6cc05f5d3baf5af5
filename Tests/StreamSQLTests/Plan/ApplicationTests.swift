/// Programs of real applications plan to the operators that compute them.

import StreamSQL
import Testing

@Suite struct ApplicationTests {
    @Test("the weather application groups by three keys and a minute", arguments: [Plans.epochWindow, Plans.stepWindow])
    func weather(window: String) throws {
        let program = try Planner.plan(Plans.weatherProgram(window: window), inputs: [Plans.weatherInput])
        #expect(program.streams.map(\.name) == ["DESTINATION_SQL_STREAM"])
        let pump = try #require(program.pumps.first)
        #expect(pump.name == "STREAM_PUMP" && pump.target == "DESTINATION_SQL_STREAM" && !pump.isStopped)
        guard case .project(.tumblingAggregate(.stream(let source), let aggregate), let columns, nil) = pump.query else {
            Issue.record("not a projection of an aggregation: \(pump.query)")
            return
        }
        #expect(source.name == "SOURCE_SQL_STREAM_001")
        #expect(aggregate.keys == [.column(0, .varchar(16)), .column(1, .varchar(8)), .column(2, .varchar(16))])
        #expect(aggregate.results.map(\.function.name) == ["AVG", "AVG", "SUM", "COUNT"])
        #expect(aggregate.results.map(\.argument) == [.column(3, .double), .column(4, .double), .column(3, .double), nil])
        #expect(columns.map(\.name) == program.streams[0].columns.map(\.name))
        #expect(columns.map(\.expression.type) == program.streams[0].columns.map(\.type))
        #expect(columns[3].expression == .column(4, .double))
        // ROWTIME without a qualifier is the end of the window: the ROWTIME of the aggregation's row.
        #expect(columns[7].expression == .rowtime)
    }

    @Test("the anomaly application scores with the forest, filters and sorts by the second")
    func forest() throws {
        let program = try Planner.plan(Plans.forestProgram, inputs: [Plans.deviceInput])
        #expect(program.streams.map(\.name) == ["TEMP_STREAM", "DESTINATION_SQL_STREAM"])
        #expect(program.pumps.map(\.name) == ["STREAM_PUMP", "OUTPUT_PUMP"])
        guard case .project(.tableFunction(_, let call), let scored, nil) = program.pumps[0].query else {
            Issue.record("not a projection of a table function: \(program.pumps[0].query)")
            return
        }
        #expect(call.function == .randomCutForest(ForestCall(.score, inputs: [1], timeDecay: 120)))
        #expect(call.addedColumns == [ColumnDefinition("ANOMALY_SCORE", .double)])
        #expect(scored.map(\.expression) == [.column(0, .varchar(16)), .column(1, .integer), .column(2, .double)])
        guard case .project(.sort(.filter(.stream(let source), _), let sort), _, nil) = program.pumps[1].query else {
            Issue.record("not a projection of a sort: \(program.pumps[1].query)")
            return
        }
        #expect(source.name == "TEMP_STREAM")
        #expect(sort.keys == [SortKey(.column(2, .double), isDescending: true)])
        guard case .call(let floor, let arguments, .timestamp) = sort.period else {
            Issue.record("not a call: \(sort.period)")
            return
        }
        #expect(floor.name == "FLOOR_TO" && arguments.first == .rowtime)
    }
}
