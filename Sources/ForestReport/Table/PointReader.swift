/// Lines of a table as points: which columns are read, what a header is, and what a missing value is.

/// Which columns of a table make a point, and which one is its time.
public struct ColumnSelection: Sendable {
    /// Names from the header, or numbers from 1; empty for all columns but the time's.
    public var values: [String]
    /// A name or a number; nil takes the first column where the header calls it `timestamp`, `time`, `date`, `datetime`, `rowtime` or `ds`, else
    /// the first column whose first value is a date.
    public var timestamp: String?

    public init(values: [String] = [], timestamp: String? = nil) {
        self.values = values
        self.timestamp = timestamp
    }
}

/// What a line with a missing value is.
public enum MissingValues: Sendable {
    /// An error.
    case refuse
    /// Passed over: it is neither scored nor learnt.
    case skip
}

/// A line that is no point. Lines count from 1.
public struct LineError: Error, Equatable, Sendable, CustomStringConvertible {
    public let line: Int
    public let reason: String
    public var description: String { "line \(line): \(reason)" }

    public init(line: Int, reason: String) {
        self.line = line
        self.reason = reason
    }
}

/// Reads a table line by line.
///
/// The first line is a header if none of its fields is a number or a missing value. A missing value is an empty field, `NA`, `NULL` or `NaN`, in
/// upper or lower case. A byte order mark before the first line is passed over. Where that line has semicolons or tabs but no comma, they
/// part the fields, and a number may have a decimal comma, as spreadsheets write tables in half of the world.
struct PointReader: Sendable {
    enum Line: Equatable, Sendable {
        /// The names of the columns that make a point.
        case header([String])
        case point([Double], time: Int64?)
        /// A value is missing, and such lines are to be passed over.
        case missing(time: Int64?)
    }

    private let selection: ColumnSelection
    private let missing: MissingValues
    private var number = 0
    private var header: [String]?
    /// Places in a line, found at the first line; nil for all columns but the time's.
    private var places: [Int]?
    private var timePlace: Int?
    private var isSettled = false
    /// Whether the first line of values tells where the times are.
    private var seeksTime = false
    private var separator: Character = ","

    init(_ selection: ColumnSelection, missing: MissingValues) {
        self.selection = selection
        self.missing = missing
    }

    /// What the columns of a point are called; known with the first line that `read` gives.
    private(set) var names: [String] = []

    /// What a line is. A header may have to wait for the line after it, which tells what is a time: nothing then comes of the one, and two
    /// lines of the other.
    mutating func read(_ text: some StringProtocol) throws(LineError) -> [Line] {
        number += 1
        let text = number == 1 ? begin(text) : Substring(text)
        guard let fields = CSVLine.fields(text, separator: separator) else {
            throw error("a quote is not closed, or something follows it")
        }
        if number == 1, fields.allSatisfy({ !Self.isMissing($0) && value($0) == nil && TimeText.milliseconds($0) == nil }) {
            return try readHeader(fields)
        }
        var lines: [Line] = []
        if seeksTime || !isSettled {
            let isDate = { (field: String) in self.value(field) == nil && TimeText.milliseconds(field) != nil }
            let found = fields.count > 1 ? fields.firstIndex(where: isDate) : nil
            if isSettled {
                timePlace = found.flatMap { places?.contains($0) == true ? nil : $0 }
            } else {
                try settle(width: header?.count ?? fields.count, timePlace: found)
                if header != nil { lines.append(.header(names)) }
            }
            seeksTime = false
        }
        lines.append(try read(fields))
        return lines
    }

    /// What is left at the end: a header that no line followed.
    mutating func finish() throws(LineError) -> [Line] {
        guard let header, !isSettled else { return [] }
        try settle(width: header.count, timePlace: nil)
        return [.header(names)]
    }

    /// The first line without a byte order mark; tells what parts the fields.
    private mutating func begin(_ text: some StringProtocol) -> Substring {
        let text = Substring(text)
        if !text.contains(",") { separator = text.contains(";") ? ";" : text.contains("\t") ? "\t" : "," }
        return text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : text
    }

    private mutating func readHeader(_ fields: [String]) throws(LineError) -> [Line] {
        header = fields
        let isTimed = fields.count > 1 && Self.isTimeName(fields[0])
        seeksTime = fields.count > 1 && !isTimed && selection.timestamp == nil
        // Which columns are values hangs on where the times are, unless it was said.
        if seeksTime, selection.values.isEmpty { return [] }
        try settle(width: fields.count, timePlace: isTimed ? 0 : nil)
        return [.header(names)]
    }

    /// A field as a number.
    private func value(_ field: String) -> Double? {
        Double(field) ?? (separator == "," ? nil : Double(field.replacing(",", with: ".")))
    }

    private func read(_ fields: [String]) throws(LineError) -> Line {
        var time: Int64?
        if let timePlace {
            guard timePlace < fields.count else { throw error("there is no column \(timePlace + 1); the line has \(fields.count)") }
            guard let read = TimeText.milliseconds(fields[timePlace]) ?? TimeText.milliseconds(ofNumber: fields[timePlace]) else {
                throw error("column \(timePlace + 1) is '\(fields[timePlace].prefix(40))', not a time")
            }
            time = read
        }
        return try point(fields, time)
    }

    private func point(_ fields: [String], _ time: Int64?) throws(LineError) -> Line {
        var values: [Double] = []
        var isMissing = false
        for place in places ?? fields.indices.filter({ $0 != timePlace }) {
            guard place < fields.count else { throw error("there is no column \(place + 1); the line has \(fields.count)") }
            if Self.isMissing(fields[place]) {
                guard missing == .skip else {
                    throw error(
                        "column \(place + 1) is '\(fields[place])', not a number (--missing skip passes over such lines)")
                }
                isMissing = true
                continue
            }
            guard let value = value(fields[place]) else {
                throw error("column \(place + 1) is '\(fields[place].prefix(40))', not a number")
            }
            values.append(value)
        }
        return isMissing ? .missing(time: time) : .point(values, time: time)
    }

    /// Finds the columns by the first line.
    /// - Parameter timePlace: where the times are unless the selection says otherwise.
    private mutating func settle(width: Int, timePlace found: Int?) throws(LineError) {
        isSettled = true
        timePlace = found
        if let name = selection.timestamp { timePlace = try place(name) }
        if !selection.values.isEmpty { places = try selection.values.map { name throws(LineError) in try place(name) } }
        let chosen = places ?? (0..<width).filter { $0 != timePlace }
        guard !chosen.isEmpty else { throw error("there is no column of values beside the time") }
        names = chosen.map { place in
            if let header, place < header.count { header[place] } else { "column \(place + 1)" }
        }
    }

    /// A column by its name, or by its number from 1.
    private func place(_ name: String) throws(LineError) -> Int {
        if let place = header?.firstIndex(of: name) { return place }
        if let place = Int(name), place >= 1, place <= header?.count ?? .max { return place - 1 }
        let known = header.map { "the header has " + $0.joined(separator: ", ") } ?? "there is no header; give the column's number"
        throw error("there is no column '\(name)': \(known)")
    }

    private func error(_ reason: String) -> LineError { LineError(line: number, reason: reason) }

    static func isMissing(_ field: String) -> Bool { field.isEmpty || ["na", "null", "nan"].contains(field.lowercased()) }

    private static func isTimeName(_ name: String) -> Bool {
        ["timestamp", "time", "date", "datetime", "rowtime", "ds"].contains(name.lowercased())
    }
}
