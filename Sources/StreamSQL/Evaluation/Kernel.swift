/// Loops that kernels share: NULL in, NULL out, failures reported by row.

extension EvaluationContext {
    /// Reports a row that failed.
    mutating func fail(_ row: Int, _ failure: RowFailure) {
        errors.append(RowError(row: row, failure))
    }
}

/// Row loops over columns.
enum Kernel {
    /// Where any of the columns is NULL; nil when none is anywhere.
    static func nulls(_ columns: [Column]) -> [Bool]? {
        var all: [Bool]?
        for column in columns {
            guard let nulls = column.nulls else { continue }
            if var combined = all {
                for row in combined.indices where nulls[row] { combined[row] = true }
                all = combined
            } else {
                all = nulls
            }
        }
        return all
    }

    /// One value from one; NULL rows are skipped.
    @inline(__always)
    static func map<A, R>(
        _ a: [A], nulls: [Bool]?, filler: R, _ context: inout EvaluationContext, _ body: (A) throws(RowFailure) -> R
    ) -> [R] {
        var result = [R](repeating: filler, count: a.count)
        for row in 0..<a.count {
            if let nulls, nulls[row] { continue }
            do throws(RowFailure) { result[row] = try body(a[row]) } catch { context.fail(row, error) }
        }
        return result
    }

    /// One value from two, either of which may be a scalar; NULL rows are skipped.
    @inline(__always)
    static func map<A, B, R>(
        _ a: Operand<A>, _ b: Operand<B>, nulls: [Bool]?, filler: R, _ context: inout EvaluationContext,
        _ body: (A, B) throws(RowFailure) -> R
    ) -> [R] {
        var result = [R](repeating: filler, count: context.count)
        for row in 0..<context.count {
            if let nulls, nulls[row] { continue }
            do throws(RowFailure) { result[row] = try body(a[row], b[row]) } catch { context.fail(row, error) }
        }
        return result
    }

    /// Any values from any, for kernels whose work per row outweighs a builder. `body` sees the rows in which no argument is NULL and
    /// appends exactly one value, or throws before it appends.
    static func eachRow(
        _ arguments: [Column], _ result: SQLType, _ context: inout EvaluationContext,
        _ body: (Int, inout ColumnBuilder) throws(RowFailure) -> Void
    ) -> Column {
        var builder = ColumnBuilder(result, capacity: context.count)
        let nulls = nulls(arguments)
        for row in 0..<context.count {
            // Its work may be long, a regular expression's for one.
            if row & 15 == 15, context.isStopped?() ?? false { return .nulls(result, count: context.count) }
            if let nulls, nulls[row] {
                builder.appendNull()
                continue
            }
            do throws(RowFailure) {
                try body(row, &builder)
            } catch {
                context.fail(row, error)
                builder.truncate(to: row)
                builder.appendNull()
            }
        }
        return builder.finish()
    }
}
