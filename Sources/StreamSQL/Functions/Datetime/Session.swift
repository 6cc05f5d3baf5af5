/// SESSION(t, gap) and SESSION_END(t, gap): the start and the end of the windows of activity that GROUP BY makes of them.

extension ScalarFunction {
    /// As a term of GROUP BY: the rows of a key, as long as none comes a whole gap after the last one. It is in no table, for it has a value in such a query only,
    /// where the planner puts the window's column in its place.
    static let session = ScalarFunction(
        name: "SESSION", monotonicIn: 0, resolve: { Signature($0, returns: .timestamp) }, evaluate: { columns, _, _ in columns[0] })

    static let sessionEnd = ScalarFunction(
        name: "SESSION_END", monotonicIn: 0, resolve: { Signature($0, returns: .timestamp) },
        evaluate: { columns, _, _ in columns[0] })
}
