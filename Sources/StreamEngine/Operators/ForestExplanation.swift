/// ANOMALY_EXPLANATION: an attribution as the service's JSON.

import RandomCutForest

/// `{"Systolic":{"DIRECTION":"HIGH","STRENGTH":"0.8567","ATTRIBUTION_SCORE":"1.7447"},"Diastolic":{…}}`: an object for each numeric
/// column, its numbers as strings of four decimals (Developer Guide, "Examine the Results" of the example with an explanation).
///
/// ATTRIBUTION_SCORE is the column's part of the score; all columns' parts are the score. DIRECTION, which is there only when it is asked for, says
/// whether the value is above or below what was seen; LOW while nothing was. How sure that is STRENGTH tells: the reference gives no formula
/// ("a high value indicates a high confidence"); here it is by how much the part for that side is larger than the part for the other,
/// so from 0 to ATTRIBUTION_SCORE.
enum ForestExplanation {
    /// - Parameter names: the columns' names as JSON strings.
    static func append(_ attribution: Attribution, names: [[UInt8]], withDirectionality: Bool, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        for (column, name) in names.enumerated() {
            let part = attribution.part(ofColumn: column)
            if column > 0 { text.append(UInt8(ascii: ",")) }
            text += name
            text += ":{".utf8
            if withDirectionality {
                text += (part.high > part.low ? "\"DIRECTION\":\"HIGH\"," : "\"DIRECTION\":\"LOW\",").utf8
            }
            text += "\"STRENGTH\":\"".utf8
            append((part.high - part.low).magnitude, to: &text)
            text += "\",\"ATTRIBUTION_SCORE\":\"".utf8
            append(part.high + part.low, to: &text)
            text += "\"}".utf8
        }
        text.append(UInt8(ascii: "}"))
    }

    /// A name as a JSON string.
    static func quoted(_ name: String) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "\"")]
        for byte in name.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { text.append(UInt8(ascii: "\\")) }
            // A name has no control characters (SQL Reference, "Identifiers"); should a schema bring one, it is left out.
            if byte >= 0x20 { text.append(byte) }
        }
        text.append(UInt8(ascii: "\""))
        return text
    }

    /// A number from 0 to 10,000 with four decimals, halves to the even.
    private static func append(_ number: Double, to text: inout [UInt8]) {
        let scaled = Int((min(number, 10_000) * 10_000).rounded(.toNearestOrEven))
        text += String(scaled / 10_000).utf8
        text.append(UInt8(ascii: "."))
        let decimals = String(scaled % 10_000)
        for _ in decimals.utf8.count..<4 { text.append(UInt8(ascii: "0")) }
        text += decimals.utf8
    }
}
