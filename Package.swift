// swift-tools-version: 6.2
// Millrace's rooms (targets) and who may import whom; see README.md, "Inside".
import PackageDescription

/// Warnings are errors where CI builds; on a newcomer's machine a newer compiler must not break the build.
let strict = Context.environment["MILLRACE_STRICT"] == "1"

let swiftSettings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (strict ? [.treatAllWarnings(as: .error)] : [])

/// A room: a library target under Sources/, with its unit tests beside it under Tests/ when `tests` is true. These are built for
/// release too, and see of it what is `public` or `package`: -enable-testing would keep the optimiser from all that is internal.
func room(
    _ name: String, _ dependencies: [Target.Dependency] = [], tests: Bool = true,
    testDependencies: [Target.Dependency] = [], testData: [String] = []
) -> [Target] {
    let room = Target.target(
        name: name, dependencies: dependencies,
        swiftSettings: swiftSettings)
    guard tests else { return [room] }
    return [
        room,
        .testTarget(
            name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies + testDependencies,
            exclude: testData, swiftSettings: swiftSettings),
    ]
}

/// A shim target: C or C++ in front of an installed library. Its pointers stay in one Swift file each.
func shim(_ name: String, links library: String, cxx: Bool = false) -> Target {
    .target(
        name: name, cxxSettings: cxx ? [.unsafeFlags(["-O3"])] : nil,
        linkerSettings: [.linkedLibrary(library)] + (cxx ? [.linkedLibrary("stdc++")] : []))
}

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP2 = Target.Dependency.product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let shims: [Target] = [
    // Not a library: the few system calls that Swift's Glibc does not show.
    .target(name: "CLinuxIO"),
    // Not a library either: instructions of the processor that Swift has no name for.
    .target(name: "CInstructions"),
    // What Debian has no library for, with the processor's vector instructions.
    .target(name: "CBase64"),
    .target(name: "CMD5"),
    // For tests only: counts allocations.
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    // For tests only: what state the processor's vector registers are in.
    .target(name: "CVectorState", path: "Tests/CVectorState"),
    shim("CCrypto", links: "crypto"),
    shim("CCurl", links: "curl"),
    // Beside it libcrypto, which certificates are made with.
    .target(name: "CTLS", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    shim("CISAL", links: "isal"),
    shim("CCRC32", links: "isal"),
    shim("CZstd", links: "zstd"),
    shim("CLZ4", links: "lz4"),
    shim("CSnappy", links: "snappy"),
    shim("CSimdjson", links: "simdjson", cxx: true),
    // Not a library: records to columns on top of simdjson's first stage.
    shim("CJSONColumns", links: "simdjson", cxx: true),
]

// The order is the design's: a room imports only from rooms above it.
let rooms: [Target] =
    room("Host", ["CLinuxIO"], testDependencies: ["HostSimulation"])
    + room("StableHash", tests: false)
    + room("CivilCalendar")
    + room("HostSimulation", ["Host", "StableHash"], tests: false)
    + room("NodeMetrics")
    + room("Codecs", ["CISAL", "CZstd", "CLZ4", "CSnappy"], testDependencies: ["CVectorState"])
    + room("RecordBatch", ["Codecs"])
    + room("StreamLog", ["RecordBatch", "Codecs", "Host"], testDependencies: ["HostSimulation"])
    + room("TarArchive")
    + room("StreamStore", ["RecordBatch", "Host", "CCrypto", "CMD5"])
    + room("AggregatedRecords", ["StreamStore"])
    + room("StreamStoreTesting", ["StreamStore", "RecordBatch"])
    + room("Catalog", ["StreamStore", grdb, sqlite])
    + room(
        "EmbeddedStore", ["StreamLog", "StreamStore", "Catalog", "Host", "RecordBatch", "Codecs", "TarArchive"],
        testDependencies: ["HostSimulation", "StreamStoreTesting"])
    + room(
        "LatestValues", ["StreamStore", "RecordBatch", "Host", "CInstructions"],
        testDependencies: ["EmbeddedStore", "StreamStoreTesting", "HostSimulation"])
    + room(
        "Consumers", ["LatestValues", "StreamStore", "RecordBatch", "Host"],
        testDependencies: ["StreamStoreTesting", "HostSimulation"])
    + room(
        "LogSimulation",
        [
            "EmbeddedStore", "LatestValues", "StreamLog", "StreamStore", "Catalog", "Host", "RecordBatch", "HostSimulation",
            "StableHash",
        ],
        tests: false)
    + [
        .testTarget(
            name: "LogSimulatorTests",
            dependencies: ["LogSimulation", "EmbeddedStore", "StreamLog", "RecordBatch", "Host", "HostSimulation"],
            swiftSettings: swiftSettings)
    ]
    + room("RandomCutForest", ["CInstructions", "StableHash"], testDependencies: ["CAllocationCount"])
    + room("ForestReport", ["RandomCutForest", "CivilCalendar"])
    + room("StreamSQL", ["CivilCalendar", "CSimdjson", "CJSONColumns", "CInstructions"], testDependencies: ["CAllocationCount"])
    + room(
        "StreamEngine",
        [
            "StreamSQL", "RandomCutForest", "StreamStore", "AggregatedRecords", "RecordBatch", "Host", "StableHash",
            "CInstructions",
            logging,
        ],
        testDependencies: ["StreamStoreTesting", "HostSimulation", "CAllocationCount"], testData: ["Golden"])
    + room(
        "Delivery",
        ["StreamStore", "AggregatedRecords", "LatestValues", "RecordBatch", "Codecs", "Host", "CivilCalendar", logging],
        testDependencies: ["StreamStoreTesting", "HostSimulation"])
    + room("AWSWire", ["CBase64", "CCRC32", "CCrypto", "CivilCalendar"])
    + room(
        "KinesisService", ["AWSWire", "StreamStore", "RecordBatch", "Host", "NodeMetrics", "CivilCalendar", "CCrypto"],
        testDependencies: ["StreamStoreTesting"])
    + room(
        "FirehoseService", ["AWSWire", "Delivery", "StreamStore", "RecordBatch", "Host", "NodeMetrics"],
        testDependencies: ["StreamStoreTesting", "HostSimulation", logging])
    + room("ConsumerService", ["AWSWire", "Consumers", "LatestValues", "StreamStore"], tests: false)
    + room("CloudWatchService", ["AWSWire", "NodeMetrics", "Host", "CivilCalendar"])
    + room("AnalyticsService", ["AWSWire", "StreamEngine", "StreamSQL", "StreamStore", "Host"])
    + room(
        "HTTPDoor",
        [
            "AWSWire", "Codecs", "Host", "NodeMetrics", "CTLS", hummingbird, hummingbirdCore, httpTypes, nio, nioPosix, nioHTTP2,
            nioHPACK,
            logging,
            lifecycle,
        ], testDependencies: [.product(name: "NIOEmbedded", package: "swift-nio")])

// Directories that earlier builds left, opened by the rooms that have anything durable.
let goldenTests: [Target] = [
    .testTarget(
        name: "GoldenDirectoryTests",
        dependencies: [
            "EmbeddedStore", "StreamEngine", "Delivery", "StreamLog", "StreamStore", "RecordBatch", "Host", logging,
        ],
        swiftSettings: swiftSettings)
]

let programs: [Target] = [
    .executableTarget(
        name: "millrace",
        dependencies: [
            "Host", "NodeMetrics", "StreamStore", "AggregatedRecords", "EmbeddedStore", "StreamLog", "RandomCutForest",
            "ForestReport",
            "StreamSQL", "StreamEngine",
            "Delivery",
            "AWSWire", "KinesisService", "FirehoseService", "CloudWatchService", "AnalyticsService", "HTTPDoor",
            "Consumers", "ConsumerService",
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"), logging, lifecycle, "CCurl", "Yams",
        ],
        swiftSettings: swiftSettings,
        // The names of functions stay, for backtraces; what a debugger wants beside them is two thirds of the file.
        linkerSettings: [.unsafeFlags(["-Xlinker", "--strip-debug"], .when(configuration: .release))]),
    .executableTarget(
        name: "log-simulator",
        dependencies: [
            "LogSimulation", "EmbeddedStore", "StreamLog", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: swiftSettings),
    .executableTarget(
        name: "forest-benchmark", dependencies: ["RandomCutForest"], path: "Benchmarks/Sources/forest-benchmark",
        swiftSettings: swiftSettings),
    .executableTarget(
        name: "log-benchmark",
        dependencies: [
            "CLinuxIO", "Host", "StreamLog", "EmbeddedStore", "StreamStore", "RecordBatch",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "Benchmarks/Sources/log-benchmark", swiftSettings: swiftSettings),
    .executableTarget(
        name: "sql-benchmark",
        dependencies: [
            "Host", "EmbeddedStore", "StreamLog", "StreamEngine", "StreamSQL", "StreamStore", "StreamStoreTesting", "RecordBatch",
            "RandomCutForest",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "Benchmarks/Sources/sql-benchmark", swiftSettings: swiftSettings),
    // A load for the door and its peer: see Benchmarks/compare.
    .executableTarget(
        name: "door-load", dependencies: ["CTLS"], path: "Benchmarks/Sources/door-load", cSettings: [.unsafeFlags(["-O2"])]),
    // The door's parsers beside those that it could have used: see Benchmarks/run door-parsers.
    .target(
        name: "simdjson_put", dependencies: ["CBase64"], path: "Benchmarks/Sources/simdjson-put",
        // On-demand parsing has no choice at run time: without this simdjson would be timed without vector instructions.
        cxxSettings: [.unsafeFlags(["-O3", "-march=haswell"])],
        linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]),
    .executableTarget(
        name: "door-parsers",
        dependencies: [
            "AWSWire", "HTTPDoor", "KinesisService", "simdjson_put", nio, .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOEmbedded", package: "swift-nio"),
        ],
        path: "Benchmarks/Sources/door-parsers", swiftSettings: swiftSettings),
    .executableTarget(
        name: "latest-benchmark",
        dependencies: [
            "Host", "StreamLog", "EmbeddedStore", "LatestValues",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "Benchmarks/Sources/latest-benchmark", swiftSettings: swiftSettings),
    // A load for the log's peers: see Benchmarks/compare.
    .executableTarget(name: "nats-load", path: "Benchmarks/Sources/nats-load", swiftSettings: swiftSettings),
]

let package = Package(
    name: "millrace",
    products: [.executable(name: "millrace", targets: ["millrace"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: shims + rooms + goldenTests + programs
)
