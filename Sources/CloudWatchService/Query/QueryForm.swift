/// Forms to requests and answers to XML, for clients that call CloudWatch by the older protocol (AWS Query).

import AWSWire
import CivilCalendar

enum QueryForm {
    /// The members of requests that are no texts.
    private static let (numbers, flags, times): (Set<String>, Set<String>, Set<String>) = (
        ["Period", "MaxDatapoints"], ["ReturnData", "IncludeLinkedAccounts"], ["StartTime", "EndTime", "Timestamp", "Timestamps"]
    )
    /// How many names a parameter may join with dots.
    private static let deepest = 12

    /// An operation as an action of forms.
    static func action<Operation: MetricOperation>(_: Operation.Type, _ service: CloudWatch) -> QueryService.Action {
        { (form) throws(AWSError) -> String in
            let body = try request(form).serialized
            let request = try body.withUnsafeBufferPointer { (body) throws(AWSError) -> Operation.Request in
                try WireFormat.json10.request(Operation.Request.self, UnsafeRawBufferPointer(body), rules: Operation.rules)
            }
            var writer = WireWriter(.json10)
            try service.answer(Operation.self, request).write(to: &writer)
            guard let answer = try? JSONValue(parsing: writer.bytes) else {
                throw AWSError(.internalFailure, "The answer is no JSON.")
            }
            return xml(answer, in: "")
        }
    }

    // MARK: Requests

    /// `Dimensions.member.1.Name=StreamName` and so on as the object that they mean.
    private static func request(_ form: FormParameters) throws(AWSError) -> JSONValue {
        var parameters: [(path: ArraySlice<String>, value: String)] = []
        for (name, value) in form.all where name != "Action" && name != "Version" {
            let path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard path.count <= deepest else {
                throw AWSError(.validationError, "The parameter \(name.prefix(200)) has too many parts.")
            }
            parameters.append((path[...], value))
        }
        return try object(parameters)
    }

    private static func object(_ parameters: [(path: ArraySlice<String>, value: String)]) throws(AWSError) -> JSONValue {
        var members: [JSONObject.Member] = []
        for (name, inner) in grouped(parameters) { members.append(.init(name: name, value: try value(inner, of: name))) }
        return .object(JSONObject(members))
    }

    private static func value(_ inner: [(path: ArraySlice<String>, value: String)], of name: String) throws(AWSError) -> JSONValue {
        if let scalar = inner.first(where: { $0.path.isEmpty }) { return try self.scalar(scalar.value, of: name) }
        guard inner.allSatisfy({ $0.path.first == "member" }) else { return try object(inner) }
        let elements = grouped(inner.map { ($0.path.dropFirst(), $0.value) }).sorted { Int($0.key) ?? 0 < Int($1.key) ?? 0 }
        var list: [JSONValue] = []
        for element in elements { list.append(try value(element.value, of: name)) }
        return .array(list)
    }

    /// Parameters by the first part of their path, which is taken away.
    private static func grouped(
        _ parameters: [(path: ArraySlice<String>, value: String)]
    ) -> [String: [(path: ArraySlice<String>, value: String)]] {
        Dictionary(grouping: parameters) { $0.path.first ?? "" }.mapValues { $0.map { ($0.path.dropFirst(), $0.value) } }
    }

    private static func scalar(_ text: String, of name: String) throws(AWSError) -> JSONValue {
        if numbers.contains(name) {
            guard let number = Int64(text) else {
                throw AWSError(.validationError, "The value \(text.prefix(64)) for parameter \(name) is no number.")
            }
            return .number(String(number))
        }
        if flags.contains(name) { return .bool(text.lowercased() == "true") }
        guard times.contains(name) else { return .string(text) }
        guard let milliseconds = time(text) else {
            throw AWSError(
                .validationError, "The value \(text.prefix(64)) for parameter \(name) is no time, such as 2026-11-30T12:00:00Z.")
        }
        return .number(String(Double(milliseconds) / 1000))
    }

    /// `2026-11-30T12:00:00Z`, with a fraction of a second, or seconds since 1970 as a number. In milliseconds.
    static func time(_ text: String) -> Int64? {
        if let seconds = Double(text), seconds.magnitude < 1e12 { return Int64((seconds * 1000).rounded()) }
        let fields = text.split { !$0.isNumber }.map(String.init)
        let shape = String(text.map { $0.isNumber ? "0" : $0 })
        guard shape.hasPrefix("0000-00-00T00:00:00"), shape.hasSuffix("Z") || shape.hasSuffix("+00:00") else { return nil }
        guard fields.count >= 6, let year = Int64(fields[0]), let month = Int64(fields[1]), let day = Int64(fields[2]),
            let hour = Int64(fields[3]), let minute = Int64(fields[4]), let second = Int64(fields[5]),
            (1...12).contains(month), (1...CivilDay.daysInMonth(year: year, month: month)).contains(day), hour < 24, minute < 60,
            second < 61
        else { return nil }
        var fraction: Int64 = 0
        if shape.dropFirst(19).hasPrefix("."), fields.count > 6 {
            fraction = Int64((fields[6] + "000").prefix(3)) ?? 0
        }
        let days = CivilDay.number(year: year, month: month, day: day)
        return (days * 86_400 + hour * 3600 + minute * 60 + second) * 1000 + fraction
    }

    // MARK: Answers

    private static func xml(_ value: JSONValue, in name: String) -> String {
        switch value {
        case .null: ""
        case .bool(let flag): flag ? "true" : "false"
        case .number(let text): times.contains(name) ? shown(seconds: Double(text) ?? 0) : text
        case .string(let text): XMLText.escaped(text)
        case .array(let elements): elements.map { "<member>\(xml($0, in: name))</member>" }.joined()
        case .object(let object): object.members.map { "<\($0.name)>\(xml($0.value, in: $0.name))</\($0.name)>" }.joined()
        }
    }

    /// `2026-11-30T12:00:00Z`; answers hold whole minutes only.
    private static func shown(seconds: Double) -> String {
        let seconds = Int64(seconds)
        let (date, rest) = (CivilDay.date(seconds / 86_400), seconds % 86_400)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(date.year)-\(two(date.month))-\(two(date.day))T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }
}
