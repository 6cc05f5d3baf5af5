/// Names archive objects by Firehose's rule.

import Foundation

/// A setting that makes no object name, with the field, the value and the rule.
public struct ObjectNameError: Error, Sendable, Hashable {
    /// As the Firehose API calls it, such as `Prefix`.
    public var field: String
    public var value: String
    public var rule: String
}

/// `<prefix><delivery stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid><extension>`; a prefix without a timestamp expression gets
/// `yyyy/MM/dd/HH/` appended as it is typed (Firehose developer guide, "Configure Amazon S3 object name format" and "Custom prefixes").
///
/// The prefix's times are in the delivery stream's time zone, that of the name in UTC.
public struct ObjectName: Sendable {
    /// The longest component that leaves room for the version to grow and for the suffix of unfinished files.
    private static let maxComponentBytes = 240
    /// S3's limit.
    private static let maxKeyBytes = 1024

    private let prefix: ObjectPrefix
    private let timeZone: TimeZone?
    private let stream: String
    private let version: Int64
    private let suffix: String

    /// - Parameters:
    ///   - prefix: may hold `!{timestamp:pattern}` and `!{firehose:random-string}`.
    ///   - timeZone: of the prefix's timestamps, such as `Asia/Tokyo`; nil is UTC.
    /// - Throws: `ObjectNameError` for an unknown or unfinished expression, an unknown time zone, and for names that a folder cannot hold.
    public init(prefix: String, timeZone: String? = nil, stream: String, version: Int64, suffix: String) throws(ObjectNameError) {
        self.prefix = try ObjectPrefix(prefix, field: "Prefix", allowing: [.timestamp, .randomString])
        if let timeZone, !timeZone.isEmpty, timeZone != "UTC" {
            guard let zone = TimeZone(identifier: timeZone) else {
                throw ObjectNameError(field: "CustomTimeZone", value: timeZone, rule: "it is no time zone that this machine knows")
            }
            self.timeZone = zone
        } else {
            self.timeZone = nil
        }
        self.stream = stream
        self.version = version
        self.suffix = suffix
        try checkSample(prefix)
    }

    /// Looks at a name as it will be made: on a Wednesday in September, whose names are the longest.
    private func checkSample(_ typed: String) throws(ObjectNameError) {
        let sample = key(at: 1_758_672_000_000, random: { 0 })
        func refuse(_ rule: String) -> ObjectNameError { ObjectNameError(field: "Prefix", value: typed, rule: rule) }
        guard sample.utf8.count <= Self.maxKeyBytes else {
            throw refuse("with it, object names would be longer than \(Self.maxKeyBytes) bytes")
        }
        guard !sample.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw refuse("object names hold no control characters")
        }
        for component in sample.split(separator: "/", omittingEmptySubsequences: true) {
            guard component != ".", component != "..", component.utf8.count <= Self.maxComponentBytes else {
                throw refuse(
                    "no part between slashes may be '.', '..' or, in a whole name, longer than \(Self.maxComponentBytes) bytes")
            }
        }
    }

    /// The name of an object.
    /// - Parameters:
    ///   - milliseconds: arrival of its oldest record, since 1970-01-01 UTC.
    ///   - random: 128 bits for the UUID (version 4) and the random strings.
    public func key(at milliseconds: Int64, random: () -> UInt64) -> String {
        let utc = CalendarTime(milliseconds: milliseconds)
        let local = timeZone.map { zone in
            let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
            return CalendarTime(milliseconds: milliseconds.addingReportingOverflow(Int64(offset) * 1000).partialValue)
        }
        let start = prefix.evaluated(at: local ?? utc, random: random)
        return start + "\(stream)-\(version)-\(Self.stamp.format(utc))-\(Self.uuid(random))\(suffix)"
    }

    private static let stamp = DateTimePattern(of: [("y", 4), ("M", 2), ("d", 2), ("H", 2), ("m", 2), ("s", 2)], separator: "-")

    /// RFC 9562, version 4.
    private static func uuid(_ random: () -> UInt64) -> String {
        let high = random() & ~0xF000 | 0x4000
        let low = random() & ~(0b11 << 62) | (0b10 << 62)
        var text = ""
        for (index, digit) in (hexadecimal(high) + hexadecimal(low)).enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension ObjectName {
    /// The names of a delivery stream's objects.
    /// - Throws: `ObjectNameError` for a bucket, prefix, error prefix or extension that does not do.
    init(_ definition: DeliveryStreamDefinition) throws(ObjectNameError) {
        let destination = definition.destination
        let bucket = destination.bucket
        let isFolder =
            !bucket.isEmpty && bucket != "." && bucket != ".." && bucket.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "/") }
        guard isFolder, bucket.utf8.count <= Self.maxComponentBytes else {
            throw ObjectNameError(field: "BucketARN", value: destination.bucketARN, rule: "it must end in a bucket's name")
        }
        try Self.checkErrorPrefix(destination)
        try self.init(
            prefix: destination.prefix, timeZone: destination.timeZone, stream: definition.name, version: definition.version,
            suffix: destination.objectSuffix)
    }

    private static func checkErrorPrefix(_ destination: ObjectDestinationSettings) throws(ObjectNameError) {
        let typed = destination.errorOutputPrefix
        let prefix = try ObjectPrefix(typed, field: "ErrorOutputPrefix", allowing: [.timestamp, .randomString, .errorOutputType])
        if prefix.hasExpressions {
            guard prefix.names(.errorOutputType) else {
                throw ObjectNameError(
                    field: "ErrorOutputPrefix", value: typed,
                    rule: "with expressions it must have !{firehose:error-output-type} among them")
            }
        } else if destination.prefix.contains("!{"), typed.isEmpty {
            throw ObjectNameError(field: "ErrorOutputPrefix", value: typed, rule: "it must be given when Prefix has expressions")
        }
    }
}
