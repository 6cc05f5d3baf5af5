/// The in-application stream `error_stream`: rows and records that failed.

import StreamSQL

/// Schema and rows of `error_stream` (Developer Guide, "Error Handling").
enum ErrorStream {
    static let schema = StreamSchema(
        name: "error_stream",
        columns: [
            ColumnDefinition("ERROR_TIME", .timestamp), ColumnDefinition("ERROR_LEVEL", .varchar(10)),
            ColumnDefinition("ERROR_NAME", .varchar(32)), ColumnDefinition("MESSAGE", .varchar(4096)),
            ColumnDefinition("DATA_ROWTIME", .timestamp), ColumnDefinition("DATA_ROW", .varchar(49_152)),
            ColumnDefinition("PUMP_NAME", .varchar(128)),
        ])

    /// What DATA_ROW holds of a row, before it is hex: its JSON text, without hidden columns.
    static func dataRow(_ batch: ColumnBatch, row: Int, columns: [ColumnDefinition]) -> [UInt8] {
        let shown = columns.indices.filter { !columns[$0].isHidden }
        let values = ColumnBatch(rowtimes: [batch.rowtime(row)], columns: shown.map { batch.columns[$0].gather(rows: [row]) })
        var text: [UInt8] = []
        RowEncoder(columns: shown.map { columns[$0] }, format: .json).encodeRow(0, of: values, into: &text)
        return text
    }

    /// Rows of failures. ROWTIME and ERROR_TIME are the clock's time at which the row failed.
    static func batch(_ rejected: [RejectedRow]) -> ColumnBatch {
        var builder = ColumnBatchBuilder(schema.columns.map(\.type), capacity: rejected.count)
        for row in rejected {
            builder.rowtimes.append(row.key.time)
            builder.columns[0].append(row.key.time)
            builder.columns[1].append(bytes: level)
            builder.columns[2].append(
                bytes: row.name.unicodeScalars.prefix(32).reduce(into: "") { $0.unicodeScalars.append($1) }.utf8)
            builder.columns[3].append(
                bytes: row.message.unicodeScalars.prefix(4096).reduce(into: "") { $0.unicodeScalars.append($1) }.utf8)
            builder.columns[4].append(row.rowtime)
            builder.columns[5].append(bytes: hex(row.data.prefix(24_576)))
            if let pump = row.pump { builder.columns[6].append(bytes: pump.utf8) } else { builder.columns[6].appendNull() }
        }
        return builder.finish()
    }

    /// ERROR_LEVEL of all rows, as the service's own show it: a row is lost, the application goes on.
    private static let level = Array("WARNING".utf8)
    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func hex(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text
    }
}

extension RejectedRow {
    /// A record of an input that did not fit its schema.
    init(_ error: RecordError, key: EventKey) {
        self.init(key: key, name: error.name, message: error.message, rowtime: error.rowtime, data: error.data, pump: nil)
    }
}
