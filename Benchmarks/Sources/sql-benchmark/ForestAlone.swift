/// The forest without the engine: the anomaly application's yardstick.

import RandomCutForest

struct ForestAlone {
    let records: Int

    /// Points scored and learnt per CPU second, the median of some rounds: 100 trees of 256 points of one dimension, as the
    /// application asks for.
    func rate(_ rounds: Int) throws -> Double {
        let maker = RecordMaker.devices
        var points: [[Double]] = []
        var text: [UInt8] = []
        for number in 0..<records {
            text.removeAll(keepingCapacity: true)
            maker.append(number, to: &text)
            let reading = text.split(separator: UInt8(ascii: ":")).last?.dropLast() ?? []
            points.append([Double(String(decoding: reading, as: UTF8.self)) ?? 0])
        }
        var rates: [Double] = []
        for _ in 0..<rounds {
            let parameters = ForestParameters(trees: 100, sampleSize: 256, timeDecay: 120, shingleSize: 1)
            var forest = try RandomCutForest(parameters: parameters, dimensions: 1, seed: 1)
            let (seconds, _) = try ProcessTime.of { for point in points { _ = try forest.scoreAndLearn(point) } }
            rates.append(Double(records) / seconds)
        }
        return rates.median
    }
}
