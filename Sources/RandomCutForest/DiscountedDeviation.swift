/// Mean and deviation of a stream of numbers in which older numbers count less.

/// Each update multiplies the weight of what came before by 1 - δ and gives the new number the weight 1 (the reference library's deviation).
public struct DiscountedDeviation: Sendable, Equatable {
    /// δ, from 0 (nothing is forgotten) to below 1.
    public let discount: Double
    /// How many numbers were taken.
    public private(set) var count = 0
    /// The sum of the weights: as many numbers of full weight would say as much. At most 1/δ.
    public private(set) var weight = 0.0
    private(set) var sum = 0.0
    private(set) var sumOfSquares = 0.0

    /// - Precondition: `discount` is at least 0 and below 1.
    public init(discount: Double) {
        precondition(discount >= 0 && discount < 1)
        self.discount = discount
    }

    /// Takes a finite number.
    public mutating func update(_ value: Double) {
        weight = weight * (1 - discount) + 1
        sum = sum * (1 - discount) + value
        sumOfSquares = sumOfSquares * (1 - discount) + value * value
        count += 1
    }

    /// 0 before the first number.
    public var mean: Double { weight > 0 ? sum / weight : 0 }

    /// The standard deviation about the mean; 0 before the second number.
    public var deviation: Double {
        guard weight > 0 else { return 0 }
        let mean = self.mean
        return max(sumOfSquares / weight - mean * mean, 0).squareRoot()
    }
}

extension DiscountedDeviation {
    func write(to writer: inout SnapshotWriter) {
        writer.count(count)
        writer.double(weight)
        writer.double(sum)
        writer.double(sumOfSquares)
    }

    /// - Throws: ``ForestError/damagedSnapshot(reason:)`` for numbers that no updates give.
    init(discount: Double, from reader: inout SnapshotReader) throws(ForestError) {
        self.init(discount: discount)
        count = try reader.count(upTo: 1 << 53)
        weight = try reader.double()
        sum = try reader.double()
        sumOfSquares = try reader.double()
        guard weight >= 0, weight <= Double(count), sum.magnitude < 1e100, sumOfSquares >= 0, sumOfSquares < 1e100 else {
            throw .damagedSnapshot(reason: "a mean is out of range")
        }
    }
}
