/// Writes SVG elements: coordinates to a tenth of a pixel, text escaped.

struct SVGWriter {
    private(set) var text = ""

    /// A coordinate, or another number of a picture.
    static func number(_ value: Double) -> String {
        let tenths = Int((min(max(value, -1e6), 1e6) * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(sign)\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            // XML has no way to write these.
            case _ where scalar.value < 0x20: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    mutating func raw(_ line: String) { text += line + "\n" }

    mutating func rectangle(x: Double, y: Double, width: Double, height: Double, _ attributes: String) {
        raw(
            "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" \(attributes)/>"
        )
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ attributes: String) {
        raw("<path d=\"M\(Self.number(x1)) \(Self.number(y1))L\(Self.number(x2)) \(Self.number(y2))\" \(attributes)/>")
    }

    /// A broken line; each part is drawn by itself, a part of one point as a dot.
    mutating func polyline(_ parts: [[(x: Double, y: Double)]], _ attributes: String) {
        var path = ""
        for part in parts {
            for (index, point) in part.enumerated() {
                path += "\(index == 0 ? "M" : "L")\(Self.number(point.x)) \(Self.number(point.y))"
            }
            if part.count == 1 { path += "h0.1" }
        }
        if !path.isEmpty {
            raw("<path d=\"\(path)\" fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\" \(attributes)/>")
        }
    }

    /// A dot; its title shows where the pointer rests on it.
    mutating func dot(x: Double, y: Double, radius: Double, title: String?, _ attributes: String) {
        let circle =
            "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(Self.number(radius))\"\(attributes.isEmpty ? "" : " " + attributes)"
        raw(title.map { "\(circle)><title>\(Self.escaped($0))</title></circle>" } ?? "\(circle)/>")
    }

    mutating func text(_ content: String, x: Double, y: Double, _ attributes: String) {
        raw("<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" \(attributes)>\(Self.escaped(content))</text>")
    }
}
