/// CURRENT_DATE, CURRENT_TIME, CURRENT_TIMESTAMP, LOCALTIME, LOCALTIMESTAMP: the query's start, UTC. CURRENT_ROW_TIMESTAMP: the clock
/// as each row is processed.

enum CurrentTime {
    static let functions: [ScalarFunction] = [
        function("CURRENT_DATE", .date) { CivilTime.floorDivide($0.queryStartMilliseconds, CivilTime.millisecondsPerDay) },
        function("CURRENT_TIME", .time) { timeOfDay($0.queryStartMilliseconds) },
        function("LOCALTIME", .time) { timeOfDay($0.queryStartMilliseconds) },
        function("CURRENT_TIMESTAMP", .timestamp, \.queryStartMilliseconds),
        function("LOCALTIMESTAMP", .timestamp, \.queryStartMilliseconds),
        function("CURRENT_ROW_TIMESTAMP", .timestamp, clock: .row, \.clockMilliseconds),
    ]

    private static func function(
        _ name: String, _ type: SQLType, clock: ClockUse = .queryStart, _ value: @escaping @Sendable (EvaluationContext) -> Int64
    ) -> ScalarFunction {
        ScalarFunction(name, [], returns: { _ in type }, example: nil) { _, type, context in
            .repeating(.integer(value(context)), type, count: context.count)
        }.with {
            $0.clock = clock
            $0.isBareWord = true
        }
    }

    private static func timeOfDay(_ milliseconds: Int64) -> Int64 {
        milliseconds &- CivilTime.floorDivide(milliseconds, CivilTime.millisecondsPerDay) &* CivilTime.millisecondsPerDay
    }
}
