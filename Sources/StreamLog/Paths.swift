/// Where everything lies below the data directory.

/// Names of files and directories.
enum Paths {
    static let journal = "journal"
    static let logs = "logs"
    static let quarantine = "quarantine"
    static let start = "start"

    static func journal(_ number: UInt64) -> String { "\(journal)/\(paddedNumber(number)).journal" }
    static func spare(_ number: UInt64) -> String { "\(journal)/\(paddedNumber(number)).spare" }
    static func spareNumber(_ name: String) -> UInt64? { number(in: name, ending: "spare") }
    static func journalNumber(_ name: String) -> UInt64? { number(in: name, ending: "journal") }

    static func directory(_ log: LogID) -> String { "\(logs)/\(log.stream)/\(log.shard)" }
    static func stream(_ log: LogID) -> String { "\(logs)/\(log.stream)" }
    static func start(_ log: LogID) -> String { "\(directory(log))/\(start)" }
    static func segmentName(_ baseOffset: Int64) -> String { "\(paddedNumber(baseOffset)).segment" }
    static func segment(_ log: LogID, _ baseOffset: Int64) -> String { "\(directory(log))/\(segmentName(baseOffset))" }
    static func segmentBase(_ name: String) -> Int64? { number(in: name, ending: "segment").flatMap(Int64.init(exactly:)) }

    /// The number that a directory entry such as `17/` names, nil unless it is written as we write it.
    static func directoryNumber<Value: FixedWidthInteger>(_ name: String, as type: Value.Type = Value.self) -> Value? {
        guard name.hasSuffix("/"), let value = Value(name.dropLast()), String(value) + "/" == name else { return nil }
        return value
    }
}
