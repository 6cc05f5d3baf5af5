/// The table of datetime functions.

extension ScalarFunctions {
    static let datetime: [ScalarFunction] = {
        let fields: [ScalarFunction] = [.floorTo, .ceilTo, .step, .hop, .extract]
        let epoch: [ScalarFunction] = [.monotonic, .tsdiff, .toTimestamp, .unixTimestamp]
        return fields + epoch + CurrentTime.functions + CharacterConversion.functions
    }()
}
