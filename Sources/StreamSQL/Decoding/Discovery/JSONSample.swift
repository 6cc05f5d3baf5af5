/// A sample of JSON records: which values their rows have, and of what kinds.

/// What was seen in JSON records. Objects in objects become columns of their own, arrays one text.
struct JSONSample {
    /// Members of members are looked at down to here.
    private static let deepest = 8
    private static let mostColumns = 1_000

    /// For each record how many rows it has; none where it is not JSON.
    private(set) var rowCounts: [Int] = []
    private(set) var understood = 0
    /// Documents that are a row, and those that are arrays of them.
    private var objects = 0
    private var arrays = 0
    private var order: [[String]] = []
    private var evidence: [[String]: ValueEvidence] = [:]
    private let tokenizer = JSONTokenizer()
    private var scratch: [UInt8] = []

    mutating func note(_ record: [UInt8]) {
        var rows = 0
        record.withUnsafeBytes { text in
            try? tokenizer.withTokens(of: text, many: true) { value throws(JSONError) in
                for document in value.siblings {
                    if document.isObject { objects += 1 } else if document.isArray { arrays += 1 }
                    for row in document.isObject ? [document] : document.elements.filter(\.isObject) {
                        rows += 1
                        note(row, at: [])
                    }
                }
            }
        }
        rowCounts.append(rows)
        if rows > 0 { understood += 1 }
    }

    private mutating func note(_ object: JSONValue, at path: [String]) {
        for (key, value) in object.members {
            scratch.removeAll(keepingCapacity: true)
            key.appendText(to: &scratch)
            let path = path + [String(decoding: scratch, as: UTF8.self)]
            if value.isObject, path.count < Self.deepest, value.members.contains(where: { _ in true }) {
                note(value, at: path)
                continue
            }
            if evidence[path] == nil {
                guard order.count < Self.mostColumns, Self.mapping(path) != nil else { continue }
                order.append(path)
            }
            evidence[path, default: ValueEvidence()].note(value, scratch: &scratch)
        }
    }

    /// Nil when there are no columns.
    var schema: InputSchema? {
        if order.isEmpty { return nil }
        var names = ColumnNames()
        let columns = order.map { path in
            InputSchema.RecordColumn(
                name: names.name(of: path), mapping: Self.mapping(path), sqlType: "\((evidence[path] ?? ValueEvidence()).type)")
        }
        let rowPath = arrays > objects ? "$[0:]" : "$"
        return InputSchema(
            recordFormat: InputSchema.RecordFormat(
                recordFormatType: "JSON",
                mappingParameters: InputSchema.MappingParameters(json: InputSchema.JSONMappingParameters(recordRowPath: rowPath))),
            recordColumns: columns)
    }

    /// The path as JSONPath; nil where it cannot be said.
    private static func mapping(_ path: [String]) -> String? {
        var text = "$"
        for name in path {
            if !name.isEmpty, !name.contains(where: { ".['\"]".contains($0) }) {
                text += ".\(name)"
            } else if let quote = ["'", "\""].first(where: { !name.contains($0) }) {
                text += "[\(quote)\(name)\(quote)]"
            } else {
                return nil
            }
        }
        return text
    }
}
