/// Bytes to compress, the same on every run.

enum Samples {
    /// Text-like runs between stretches that do not compress.
    static func mixed(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 64)
        while bytes.count < count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            if state >> 60 < 4 {
                for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: state >> (UInt64(shift) * 8))) }
            } else {
                bytes += Array(#"{"station":"\#(state >> 50)","temp":\#(state >> 58)}"#.utf8)
            }
        }
        return Array(bytes[..<count])
    }

    static let sizes = [0, 1, 2, 100, 4095, 32 << 10, (32 << 10) + 1, 65_535, 65_536, 65_537, 200_000, 1_000_003]
}
