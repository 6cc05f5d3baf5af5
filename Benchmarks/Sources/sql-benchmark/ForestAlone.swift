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
    /// To be measured in turns with the application, and on a thread of the same pool as it: the main thread's stack and memory are others.
    func run() async throws -> (rate: Double, high: Int) {
        let points = points
        return try await Task.detached {
            let parameters = ForestParameters(trees: 100, sampleSize: 256, timeDecay: 120, shingleSize: 1)
            var forest = try RandomCutForest(parameters: parameters, dimensions: 1, seed: 1)
            var high = 0
            let begun = ProcessTime.seconds
            for point in points where try forest.scoreAndLearn(point) > 4 { high += 1 }
            return (Double(points.count) / (ProcessTime.seconds - begun), high)
        }.value
    }
}
