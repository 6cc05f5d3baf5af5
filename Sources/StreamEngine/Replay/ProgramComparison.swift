/// Two programs over the same rows: which rows both give, which only one of them, and in which columns rows that belong together differ.

import Foundation

/// Takes the lines of both programs (`RowLines`), in any order, and holds only those that the other one has not given yet.
public struct ProgramComparison: Sendable {
    /// Whose row it is.
    public enum Side: Sendable { case old, new }

    /// What became of the rows of one stream.
    public struct StreamReport: Sendable, Hashable {
        public var stream: String
        public var oldRows = 0
        public var newRows = 0
        /// Rows that both have.
        public var equal = 0
        /// Rows that belong together (the same ROWTIME and key) and differ.
        public var changed = 0
        public var onlyOld = 0
        public var onlyNew = 0
        /// In how many of the changed rows each column differs.
        public var columns: [String: Int] = [:]

        public var isEqual: Bool { changed == 0 && onlyOld == 0 && onlyNew == 0 }
    }

    /// A difference, to be shown.
    public enum Difference: Sendable, Hashable {
        /// The key's columns, and what was and is in the columns that differ.
        case changed(stream: String, rowtime: Int64, key: [String: String], columns: [String: [String]])
        case only(Side, line: String)
    }

    public struct Report: Sendable {
        /// By name.
        public var streams: [StreamReport] = []
        /// The first ones, by ROWTIME.
        public var differences: [Difference] = []
        public var isEqual: Bool { streams.allSatisfy(\.isEqual) }
    }

    /// Why a comparison cannot go on: in words.
    public struct TooDifferent: Error, Sendable {
        public var message: String
    }

    private let mostHeld: Int
    /// Lines that one side has oftener than the other: how many more the old one has.
    private var surplus: [[UInt8]: Int] = [:]
    private var held = 0
    private var totals: [[UInt8]: (old: Int, new: Int)] = [:]

    /// - Parameter mostHeld: how many lines may wait for the other side.
    public init(mostHeld: Int = 2_000_000) { self.mostHeld = mostHeld }

    /// Adds lines, each with its end.
    /// - Throws: when too many rows of one side are not the other's.
    public mutating func add(_ lines: [UInt8], of side: Side) throws(TooDifferent) {
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            let name = Self.streamPart(line)
            totals[name, default: (0, 0)].old += side == .old ? 1 : 0
            totals[name, default: (0, 0)].new += side == .new ? 1 : 0
            let key = Array(line)
            let before = surplus[key] ?? 0
            let after = before + (side == .old ? 1 : -1)
            held += abs(after) - abs(before)
            surplus[key] = after == 0 ? nil : after
            guard held <= mostHeld else {
                throw TooDifferent(
                    message:
                        "more than \(mostHeld) rows of one program are not, or not yet, rows of the other; compare a shorter part of the history"
                )
            }
        }
    }

    /// The line up to its ROWTIME, which tells its stream.
    private static func streamPart(_ line: ArraySlice<UInt8>) -> [UInt8] {
        let mark = Array(#","rowtime_ms":"#.utf8)
        var index = line.startIndex
        while index + mark.count <= line.endIndex {
            if line[index] == mark[0], line[index..<index + mark.count].elementsEqual(mark) { return Array(line[..<index]) }
            index += 1
        }
        return Array(line)
    }

    // MARK: What came of it

    private struct Row {
        var stream: String
        var rowtime: Int64
        /// Values as JSON text.
        var values: [String: String]
        var line: String
    }

    /// - Parameters:
    ///   - keys: the columns by which rows belong together; nil for all that hold text in both.
    ///   - shown: how many differences are given.
    public func report(keys: [String]?, shown: Int) -> Report {
        var old: [Row] = []
        var new: [Row] = []
        for (line, count) in surplus {
            guard let row = Self.row(line) else { continue }
            for _ in 0..<abs(count) { if count > 0 { old.append(row) } else { new.append(row) } }
        }
        var streams: [String: StreamReport] = [:]
        for (part, total) in totals {
            let name = Self.name(part)
            streams[name] = StreamReport(stream: name, oldRows: total.old, newRows: total.new)
        }
        var report = Report()
        Self.pair(old, new, keys, &streams, &report.differences)
        for (name, stream) in streams { streams[name]?.equal = stream.oldRows - stream.changed - stream.onlyOld }
        report.streams = streams.values.sorted { $0.stream < $1.stream }
        report.differences = Array(report.differences.sorted { Self.order($0) < Self.order($1) }.prefix(shown))
        return report
    }

    private static func order(_ difference: Difference) -> (Int64, String) {
        switch difference {
        case .changed(let stream, let rowtime, let key, _): (rowtime, stream + key.values.sorted().joined())
        case .only(_, let line): (row(Array(line.utf8))?.rowtime ?? 0, line)
        }
    }

    private static func name(_ part: [UInt8]) -> String {
        (try? JSONSerialization.jsonObject(with: Data(part + [UInt8(ascii: "}")])) as? [String: Any])?["stream"] as? String ?? ""
    }

    private static func row(_ line: [UInt8]) -> Row? {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any],
            let stream = object["stream"] as? String, let time = object["rowtime_ms"] as? NSNumber,
            let values = object["row"] as? [String: Any]
        else { return nil }
        return Row(
            stream: stream, rowtime: time.int64Value, values: values.mapValues(text), line: String(decoding: line, as: UTF8.self))
    }

    private static func text(_ value: Any) -> String {
        if value is NSNull { return "null" }
        return (value as? String).map { "\"\($0)\"" } ?? "\(value)"
    }

    /// Pairs rows of one stream, ROWTIME and key; what has no partner is of one side only.
    private static func pair(
        _ old: [Row], _ new: [Row], _ keys: [String]?, _ streams: inout [String: StreamReport], _ differences: inout [Difference]
    ) {
        func key(_ row: Row) -> [String: String] {
            row.values.filter { name, value in keys.map { $0.contains(name) } ?? value.hasPrefix("\"") }
        }
        struct Place: Hashable {
            var stream: String
            var rowtime: Int64
            var key: [String: String]
        }
        var waiting: [Place: [Row]] = [:]
        for row in old.sorted(by: { $0.line > $1.line }) {
            waiting[Place(stream: row.stream, rowtime: row.rowtime, key: key(row)), default: []].append(row)
        }
        for row in new.sorted(by: { $0.line < $1.line }) {
            let place = Place(stream: row.stream, rowtime: row.rowtime, key: key(row))
            guard let partner = waiting[place]?.popLast() else {
                streams[row.stream]?.onlyNew += 1
                differences.append(.only(.new, line: row.line))
                continue
            }
            var columns: [String: [String]] = [:]
            for name in Set(row.values.keys).union(partner.values.keys) where row.values[name] != partner.values[name] {
                columns[name] = [partner.values[name] ?? "(no column)", row.values[name] ?? "(no column)"]
                streams[row.stream]?.columns[name, default: 0] += 1
            }
            streams[row.stream]?.changed += 1
            differences.append(.changed(stream: row.stream, rowtime: row.rowtime, key: place.key, columns: columns))
        }
        for row in waiting.values.joined() {
            streams[row.stream]?.onlyOld += 1
            differences.append(.only(.old, line: row.line))
        }
    }
}
