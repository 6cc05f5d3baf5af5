/// JSON records to columns, many at once. The only file that sees CJSONColumns.

import CJSONColumns
import Synchronization

/// The compiled plan of a schema whose rows are the records themselves: which members become which columns.
///
/// It makes what `JSONRowPlan` would make, of records that are as the schema expects them; others it leaves to that one.
final class JSONColumnPlan: Sendable {
    private let types: [SQLType]
    /// For each column, whether its values are kept.
    private let isWanted: [Bool]
    private let members: [Member]
    /// Decoders not in use; each has dictionaries of its own, which are worth keeping.
    private let idle = Mutex<[JSONColumnDecoder]>([])

    fileprivate struct Member: Sendable {
        var object: UInt32
        var name: [UInt8]
        /// -1 for an object.
        var column: Int32
        var child: UInt32
    }

    /// Nil when two columns have the same path, or one's lies inside another's.
    init?(_ paths: [[[UInt8]]], types: [SQLType], wanted: Set<Int>?) {
        var members: [Member] = []
        var objects: UInt32 = 1
        for (column, path) in paths.enumerated() {
            var object: UInt32 = 0
            for (step, name) in path.enumerated() {
                let isLast = step == path.count - 1
                if let known = members.firstIndex(where: { $0.object == object && $0.name == name }) {
                    guard !isLast, members[known].column < 0 else { return nil }
                    object = members[known].child
                } else if isLast {
                    members.append(Member(object: object, name: name, column: Int32(column), child: 0))
                } else {
                    members.append(Member(object: object, name: name, column: -1, child: objects))
                    object = objects
                    objects += 1
                }
            }
        }
        self.members = members
        self.types = types
        isWanted = types.indices.map { wanted?.contains($0) ?? true }
    }

    /// Lends a decoder, empty before and after.
    func withDecoder<Result>(_ body: (JSONColumnDecoder) -> Result) -> Result? {
        guard let decoder = idle.withLock({ $0.popLast() }) ?? JSONColumnDecoder(types, isWanted, members) else { return nil }
        defer {
            decoder.clear()
            idle.withLock { $0.append(decoder) }
        }
        return body(decoder)
    }
}

/// Columns under construction. One user at a time, which the plan sees to.
final class JSONColumnDecoder: @unchecked Sendable {
    private let handle: OpaquePointer
    private let types: [SQLType]
    private let isWanted: [Bool]
    /// For each column, its dictionary as it was last handed out.
    private var dictionaries: [Dictionary?]
    /// Buffers for those who use the decoder.
    var reader = RecordReader()

    private struct Dictionary {
        /// As C counts them.
        var number: UInt64
        /// Unique in the process.
        var identity: UInt64
        var bytes: [UInt8]
        var ends: [Int]
    }

    private static let identities = Atomic<UInt64>(1)

    fileprivate init?(_ types: [SQLType], _ isWanted: [Bool], _ members: [JSONColumnPlan.Member]) {
        let columns = zip(types, isWanted).map { CJSONColumns_column($0, isWanted: $1) }
        var names: [UInt8] = []
        for member in members { names += member.name }
        let handle = names.withUnsafeBufferPointer { names -> OpaquePointer? in
            var start = 0
            let members = members.map { member in
                defer { start += member.name.count }
                return CJSONColumns_member(
                    object: member.object, name: names.baseAddress.map { $0 + start }, name_length: member.name.count,
                    column: member.column, child: member.child)
            }
            return CJSONColumns_create(columns, columns.count, members, members.count, UInt64.random(in: .min ... .max))
        }
        guard let handle else { return nil }
        self.handle = handle
        self.types = types
        self.isWanted = isWanted
        dictionaries = types.map { _ in nil }
    }

    deinit { CJSONColumns_destroy(handle) }

    var count: Int { CJSONColumns_rows(handle) }
    func clear() { CJSONColumns_clear(handle) }

    /// Appends the rows of records up to the first that is not as expected.
    /// - Parameters:
    ///   - records: spans of the buffer, all within it.
    ///   - rowEnds: one for each record of the list: how many rows there are after it.
    /// - Returns: how many were taken.
    func decode(
        _ records: ArraySlice<RecordSpan>, in buffer: UnsafeRawBufferPointer, rowEnds: inout [Int]
    ) -> Int {
        // The memory of records without data may have no address.
        let base = buffer.baseAddress ?? UnsafeRawPointer(handle)
        return records.withUnsafeBytes { spans in
            let spans = spans.bindMemory(to: CJSONColumns_span.self)
            return rowEnds.withUnsafeMutableBufferPointer { ends in
                CJSONColumns_decode(
                    handle, base.assumingMemoryBound(to: UInt8.self), spans.baseAddress, spans.count,
                    UnsafeMutableBufferPointer(rebasing: ends[records.indices]).baseAddress)
            }
        }
    }

    /// Appends rows that were decoded by other means.
    func append(_ batch: ColumnBatch) -> Bool {
        for row in 0..<batch.count {
            for (index, column) in batch.columns.enumerated() where isWanted[index] {
                guard append(row, of: column, to: index) else { return false }
            }
            CJSONColumns_end_row(handle)
        }
        return true
    }

    private func append(_ row: Int, of column: Column, to index: Int) -> Bool {
        if column.isNull(row) { return CJSONColumns_append_null(handle, index) }
        let (values, row) = column.cell(row)
        switch values {
        case .booleans(let values): return CJSONColumns_append_word(handle, index, values[row] ? 1 : 0)
        case .integers(let values): return CJSONColumns_append_word(handle, index, UInt64(bitPattern: values[row]))
        case .doubles(let values): return CJSONColumns_append_word(handle, index, values[row].bitPattern)
        case .bytes(let values):
            let range = values.range(row)
            return values.bytes.withUnsafeBufferPointer { bytes in
                CJSONColumns_append_text(handle, index, bytes.baseAddress.map { $0 + range.lowerBound }, range.count)
            }
        }
    }

    /// All rows; columns that are not wanted are NULL.
    func columns() -> [Column] {
        types.indices.map { index in
            let type = types[index]
            guard isWanted[index] else { return .nulls(type, count: count) }
            let result = CJSONColumns_column_result(handle, index)
            let nulls = result.nulls.map { copy(UnsafeRawPointer($0), as: Bool.self) }
            switch type.storage {
            case .booleans: return Column(type, .booleans(copy(result.values, as: Bool.self)), nulls: nulls)
            case .integers: return Column(type, .integers(copy(result.values, as: Int64.self)), nulls: nulls)
            case .doubles: return Column(type, .doubles(copy(result.values, as: Double.self)), nulls: nulls)
            case .bytes: return Column(type, .bytes(texts(result, index)), nulls: nulls)
            }
        }
    }

    private func texts(_ result: CJSONColumns_result, _ index: Int) -> ByteColumn {
        guard result.is_coded else {
            return ByteColumn(
                bytes: copy(UnsafeRawPointer(result.bytes), as: UInt8.self, count: result.byte_count),
                ends: copy(UnsafeRawPointer(result.ends), as: Int.self, count: result.end_count))
        }
        var dictionary =
            dictionaries[index]
            ?? Dictionary(
                number: 0, identity: Self.identities.add(1, ordering: .relaxed).newValue, bytes: [], ends: [])
        if dictionary.number != result.dictionary {
            dictionary.number = result.dictionary
            dictionary.identity = Self.identities.add(1, ordering: .relaxed).newValue
            dictionary.ends = []
        }
        if dictionary.ends.count != result.end_count {
            dictionary.bytes = copy(UnsafeRawPointer(result.bytes), as: UInt8.self, count: result.byte_count)
            dictionary.ends = copy(UnsafeRawPointer(result.ends), as: Int.self, count: result.end_count)
        }
        dictionaries[index] = dictionary
        return ByteColumn(
            codes: copy(result.values, as: UInt32.self), dictionary: dictionary.identity, bytes: dictionary.bytes,
            ends: dictionary.ends)
    }

    private func copy<Value: BitwiseCopyable>(_ values: UnsafeRawPointer?, as type: Value.Type, count: Int? = nil) -> [Value] {
        let count = count ?? self.count
        guard let values, count > 0 else { return [] }
        return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(start: values, count: count * MemoryLayout<Value>.stride))
            initialized = count
        }
    }
}

extension CJSONColumns_column {
    fileprivate init(_ type: SQLType, isWanted: Bool) {
        self.init()
        is_wanted = isWanted
        length = UInt32(type.length ?? 0)
        switch type {
        case .boolean: kind = CJSONCOLUMNS_BOOLEAN
        case .real: kind = CJSONCOLUMNS_REAL
        case .double: kind = CJSONCOLUMNS_DOUBLE
        case .varchar: kind = CJSONCOLUMNS_TEXT
        case .char: kind = CJSONCOLUMNS_PADDED_TEXT
        case .date: kind = CJSONCOLUMNS_DATE
        case .time: kind = CJSONCOLUMNS_TIME
        case .timestamp: kind = CJSONCOLUMNS_TIMESTAMP
        case .tinyint, .smallint, .integer, .bigint, .decimal:
            kind = CJSONCOLUMNS_EXACT
            scale = UInt32(type.exactDigits?.scale ?? 0)
            minimum = type.integerRange.lowerBound
            maximum = type.integerRange.upperBound
        case .binary, .varbinary, .interval, .null: kind = CJSONCOLUMNS_OTHER
        }
    }
}
