/// The example data: what producers of the three example applications would send.

import Host

/// A record for a stream.
struct DemoRecord: Sendable, Equatable {
    var partitionKey: String
    var data: String

    /// With a line end, so that the archive's objects, which hold records one after the other, have one a line.
    var line: DemoRecord { DemoRecord(partitionKey: partitionKey, data: data + "\n") }
}

/// A producer that makes its records step by step. The same seed gives the same records.
protocol DemoProducer {
    /// Time between two steps at speed 1, in milliseconds.
    var stepMilliseconds: Int64 { get }
    /// The records of the next step; `milliseconds` is the time they claim, since 1970-01-01 UTC.
    mutating func step(at milliseconds: Int64) -> [DemoRecord]
}

/// SplitMix64: small, fast, and the same everywhere.
struct DemoRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Sum of twelve uniforms less six: near enough to a normal variable of deviation 1.
    mutating func noise() -> Double {
        (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
    }
}

/// Five devices, a reading each per second, integers from -5 to 5; now and then one beyond ±400.
struct DeviceReadings: DemoProducer {
    static let devices = ["aaaa", "bbbb", "cccc", "dddd", "eeee"]
    let stepMilliseconds: Int64 = 1000
    /// One strange reading every so many steps; 0 for none.
    var anomalyEvery: Int
    private var random: DemoRandom
    private var steps = 0

    init(seed: UInt64, anomalyEvery: Int) {
        random = DemoRandom(seed: seed)
        self.anomalyEvery = anomalyEvery
    }

    mutating func step(at milliseconds: Int64) -> [DemoRecord] {
        steps += 1
        let strange = anomalyEvery > 0 && steps % anomalyEvery == 0 ? Int.random(in: 0..<Self.devices.count, using: &random) : nil
        return Self.devices.indices.map { index in
            let reading = index == strange ? anomaly() : Int.random(in: -5...5, using: &random)
            return Self.record(device: Self.devices[index], reading: reading)
        }
    }

    /// A reading beyond ±400.
    mutating func anomaly() -> Int { Int.random(in: 400...500, using: &random) * (Bool.random(using: &random) ? 1 : -1) }

    static func record(device: String, reading: Int) -> DemoRecord {
        DemoRecord(partitionKey: device, data: #"{"deviceId":"\#(device)","sensorReading":\#(reading)}"#)
    }
}

/// Some hundreds of sensors at stations, each a reading a second.
struct WeatherReadings: DemoProducer {
    let stepMilliseconds: Int64 = 1000
    private struct Sensor {
        var id: String
        var station: String
        var kind: String
        var value: Double
        var smoothed: Double
    }
    private var sensors: [Sensor]
    private var random: DemoRandom

    init(seed: UInt64, sensors count: Int) {
        var random = DemoRandom(seed: seed)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        func name() -> String { String((0..<10).map { _ in alphabet.randomElement(using: &random) ?? "a" }) }
        let kinds = ["vib", "temp", "hum", "wind", "rain"]
        let stations = (0..<max(1, count / 10)).map { _ in name() }
        sensors = (0..<count).map { index in
            let value = Double.random(in: 0..<1, using: &random)
            return Sensor(
                id: name(), station: stations[index % stations.count], kind: kinds[index % kinds.count], value: value,
                smoothed: value)
        }
        self.random = random
    }

    mutating func step(at milliseconds: Int64) -> [DemoRecord] {
        sensors.indices.map { index in
            let step = random.noise() * 0.05
            let value = min(1, max(0, sensors[index].value + step))
            sensors[index].value = value
            sensors[index].smoothed += (value - sensors[index].smoothed) * 0.2
            let sensor = sensors[index]
            let direction = step > 0.02 ? 1 : step < -0.02 ? -1 : 0
            let data =
                #"{"sensor_id":"\#(sensor.id)","station_id":"\#(sensor.station)","sensor":"\#(sensor.kind)","timestamp":\#(milliseconds),"#
                + #""value":\#(hundredths(value)),"value_smoothed":\#(hundredths(sensor.smoothed)),"direction":\#(direction)}"#
            return DemoRecord(partitionKey: sensor.id, data: data)
        }
    }
}

/// A freezer truck, twice a second: it cools to -18 °C; after some 15 minutes the voltage sags by 0.1 V and the temperature climbs.
struct TruckReadings: DemoProducer {
    let stepMilliseconds: Int64 = 500
    /// Steps after which the cooling fails.
    static let failureStep = 15 * 60 * 2
    private var random: DemoRandom
    private var steps = 0
    private var temperature = 21.9

    init(seed: UInt64) { random = DemoRandom(seed: seed) }

    mutating func step(at milliseconds: Int64) -> [DemoRecord] {
        steps += 1
        let hasFailed = steps > Self.failureStep
        // Newton's law with a time constant of 100 s down to -18 °C; failed, it drifts back to 22 °C in some quarter of an hour.
        temperature += hasFailed ? (22 - temperature) / 1800 : (-18 - temperature) / 200
        let volts = (hasFailed ? 12.01 : 12.11) + random.noise() * 0.004
        let shown = temperature + random.noise() * 0.05
        let seconds = hundredths(Double(milliseconds) / 1000)
        let data = #"{"volts":"\#(hundredths(volts))","temp":"\#(hundredths(shown))","door":"0","timestamp":\#(seconds)}"#
        return [DemoRecord(partitionKey: "truck-1", data: data)]
    }
}

/// Two digits after the point, without a locale.
private func hundredths(_ value: Double) -> String {
    let scaled = Int((value * 100).rounded())
    let digits = String(abs(scaled) % 100)
    return (scaled < 0 ? "-" : "") + "\(abs(scaled) / 100)." + (digits.count < 2 ? "0" : "") + digits
}
