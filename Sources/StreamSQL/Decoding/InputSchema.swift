/// How the records of an input become rows: InputSchema of the Kinesis Analytics API.

/// Format of the records and columns of the rows (API Reference, SourceSchema). Codable from and to the API's JSON.
public struct InputSchema: Codable, Sendable, Hashable {
    public var recordFormat: RecordFormat
    /// The only encoding is UTF-8.
    public var recordEncoding: String?
    public var recordColumns: [RecordColumn]

    public init(recordFormat: RecordFormat, recordEncoding: String? = "UTF-8", recordColumns: [RecordColumn]) {
        self.recordFormat = recordFormat
        self.recordEncoding = recordEncoding
        self.recordColumns = recordColumns
    }

    private enum CodingKeys: String, CodingKey {
        case recordFormat = "RecordFormat"
        case recordEncoding = "RecordEncoding"
        case recordColumns = "RecordColumns"
    }

    /// A column and where its values are in a record.
    public struct RecordColumn: Codable, Sendable, Hashable {
        /// The stored name, as if quoted.
        public var name: String
        /// A JSONPath such as `$.a.b`; absent for CSV.
        public var mapping: String?
        public var sqlType: String

        public init(name: String, mapping: String? = nil, sqlType: String) {
            self.name = name
            self.mapping = mapping
            self.sqlType = sqlType
        }

        private enum CodingKeys: String, CodingKey {
            case name = "Name"
            case mapping = "Mapping"
            case sqlType = "SqlType"
        }
    }

    public struct RecordFormat: Codable, Sendable, Hashable {
        /// `JSON` or `CSV`.
        public var recordFormatType: String
        public var mappingParameters: MappingParameters?

        public init(recordFormatType: String, mappingParameters: MappingParameters? = nil) {
            self.recordFormatType = recordFormatType
            self.mappingParameters = mappingParameters
        }

        private enum CodingKeys: String, CodingKey {
            case recordFormatType = "RecordFormatType"
            case mappingParameters = "MappingParameters"
        }
    }

    public struct MappingParameters: Codable, Sendable, Hashable {
        public var json: JSONMappingParameters?
        public var csv: CSVMappingParameters?

        public init(json: JSONMappingParameters? = nil, csv: CSVMappingParameters? = nil) {
            self.json = json
            self.csv = csv
        }

        private enum CodingKeys: String, CodingKey {
            case json = "JSONMappingParameters"
            case csv = "CSVMappingParameters"
        }
    }

    public struct JSONMappingParameters: Codable, Sendable, Hashable {
        /// Where a row's object is in the record: `$`, or an array of them such as `$.a.b[0:]`.
        public var recordRowPath: String
        public init(recordRowPath: String) { self.recordRowPath = recordRowPath }
        private enum CodingKeys: String, CodingKey { case recordRowPath = "RecordRowPath" }
    }

    public struct CSVMappingParameters: Codable, Sendable, Hashable {
        public var recordRowDelimiter: String
        public var recordColumnDelimiter: String

        public init(recordRowDelimiter: String = "\n", recordColumnDelimiter: String = ",") {
            self.recordRowDelimiter = recordRowDelimiter
            self.recordColumnDelimiter = recordColumnDelimiter
        }

        private enum CodingKeys: String, CodingKey {
            case recordRowDelimiter = "RecordRowDelimiter"
            case recordColumnDelimiter = "RecordColumnDelimiter"
        }
    }
}

/// What is wrong with an InputSchema.
public struct SchemaError: Error, Sendable, Hashable {
    /// The field, such as `RecordColumns[2].SqlType`.
    public var field: String
    public var message: String

    public init(_ field: String, _ message: String) {
        self.field = field
        self.message = message
    }
}

extension SchemaError: CustomStringConvertible {
    public var description: String { "\(field): \(message)" }
}

extension InputSchema {
    /// The columns of its rows, without metadata.
    /// - Throws: `SchemaError` for the first field that is wrong.
    public func columns() throws(SchemaError) -> [ColumnDefinition] { try RecordDecoder(self, metadata: []).columns }

    /// - Throws: `SchemaError` for the first field that is wrong.
    public func validate() throws(SchemaError) { _ = try RecordDecoder(self, metadata: []) }
}
