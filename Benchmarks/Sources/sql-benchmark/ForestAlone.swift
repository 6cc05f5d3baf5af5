/// The forest without the engine: the anomaly application's yardstick.

import RandomCutForest

struct ForestAlone {
    /// The application's points, in their order.
    private let points: [[Double]]

    init(records: Int) {
        let maker = RecordMaker.devices
        var points: [[Double]] = []
        var text: [UInt8] = []
        for number in 0..<records {
            text.removeAll(keepingCapacity: true)
            maker.append(number, to: &text)
            let reading = text.split(separator: UInt8(ascii: ":")).last?.dropLast() ?? []
            points.append([Double(String(decoding: reading, as: UTF8.self)) ?? 0])
        }
        self.points = points
    }

    /// Points scored and learnt per CPU second by 100 trees of 256 points of one dimension, as the application asks for and with its seed, so
    /// that the forest does the same; and how many scores are above 4, as many as the application has rows.
    ///
    /// To be measured in turns with the application: on a machine that does other work too, the two are comparable only side by side.
    func run() throws -> (rate: Double, high: Int) {
        let parameters = ForestParameters(trees: 100, sampleSize: 256, timeDecay: 120, shingleSize: 1)
        var forest = try RandomCutForest(parameters: parameters, dimensions: 1, seed: 1)
        var high = 0
        let (seconds, _) = try ProcessTime.of {
            for point in points where try forest.scoreAndLearn(point) > 4 { high += 1 }
        }
        return (Double(points.count) / seconds, high)
    }
}
