/// `millrace demo`: sends the input of an example application.

import ArgumentParser
import Foundation

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Send example data to a stream: five devices, a weather network, or a freezer truck.",
        subcommands: [Anomaly.self, Weather.self, Truck.self])

    /// What all three take.
    struct Pace: ParsableArguments {
        @Option(help: "The stream to send to.") var stream: String
        @Option(help: "How many times faster than real time, above 0.") var speed = 1.0
        @Option(help: "Stop after this many seconds of this clock (default: go on until interrupted).") var seconds: Double?
        @Option(help: "Stop after this many steps of the example's own time.") var steps: Int?
        @Option(help: "The same seed gives the same data.") var seed: UInt64 = 1
        @Flag(help: "Print the records on standard output instead of sending them.") var dryRun = false
        @OptionGroup var server: ServerOptions

        func validate() throws {
            guard speed > 0, speed <= 100_000 else {
                throw ValidationError("--speed must be above 0 and at most 100000, not \(speed).")
            }
        }
    }

    struct Anomaly: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Five devices, a reading from -5 to 5 each second; a reading beyond ±400 now and then.")
        @OptionGroup var pace: Pace
        @Option(help: "One strange reading every so many seconds of the example's time; 0 for none.") var anomalyEvery = 0
        @Flag(help: "Send one strange reading and stop.") var once = false

        func run() async throws {
            var readings = DeviceReadings(
                seed: once ? UInt64.random(in: 0 ... .max) : pace.seed, anomalyEvery: max(0, anomalyEvery))
            guard once else { return try await DemoSender.run(readings, pace) }
            let record = DeviceReadings.record(device: DeviceReadings.devices[2], reading: readings.anomaly())
            var producer = RecordProducer(stream: pace.stream, client: pace.server.client)
            try await producer.put(record.line.data.utf8, partitionKey: record.partitionKey)
            try await producer.flush()
            print(record.data)
        }
    }

    struct Weather: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Some hundreds of sensors, a reading each per second.")
        @OptionGroup var pace: Pace
        @Option(help: "How many sensors, 1...100000.") var sensors = 300

        func validate() throws {
            guard (1...100_000).contains(sensors) else { throw ValidationError("--sensors must be 1...100000, not \(sensors).") }
        }

        func run() async throws { try await DemoSender.run(WeatherReadings(seed: pace.seed, sensors: sensors), pace) }
    }

    struct Truck: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A freezer truck, twice a second: cools to -18 °C, after 15 minutes its voltage sags and it warms up.")
        @OptionGroup var pace: Pace

        func run() async throws { try await DemoSender.run(TruckReadings(seed: pace.seed), pace) }
    }
}

/// Sends a producer's steps at their pace.
enum DemoSender {
    static func run(_ producer: some DemoProducer, _ pace: DemoCommand.Pace) async throws {
        var source = producer
        var output = RecordProducer(stream: pace.stream, client: pace.server.client)
        let clock = ContinuousClock()
        let start = clock.now
        let startMilliseconds = Int64(Date().timeIntervalSince1970 * 1000)
        var step = 0
        var told = start
        while step < pace.steps ?? .max {
            let exampleMilliseconds = Int64(step) * source.stepMilliseconds
            let due = start + .milliseconds(Int64(Double(exampleMilliseconds) / pace.speed))
            if let seconds = pace.seconds, due - start > .seconds(seconds) { break }
            if !pace.dryRun, due > clock.now {
                try await output.flush()
                try await Task.sleep(until: due)
            }
            for record in source.step(at: startMilliseconds + exampleMilliseconds) {
                if pace.dryRun {
                    print(record.data)
                } else {
                    try await output.put(record.line.data.utf8, partitionKey: record.partitionKey)
                }
            }
            step += 1
            if !pace.dryRun, clock.now - told > .seconds(5) {
                told = clock.now
                StandardError.print("   \(output.sent) records sent")
            }
        }
        try await output.flush()
        if !pace.dryRun { StandardError.print("   \(output.sent) records sent to \(pace.stream)") }
    }
}
