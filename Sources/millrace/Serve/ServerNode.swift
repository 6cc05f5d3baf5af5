/// A node: the rooms wired together, from the data directory to a clean stop.

import AWSWire
import AnalyticsService
import CloudWatchService
import ConsumerService
import Consumers
import Delivery
import EmbeddedStore
import FirehoseService
import Glibc
import HTTPDoor
import Host
import KinesisService
import Logging
import NodeMetrics
import ServiceLifecycle
import StreamEngine
import StreamLog
import StreamStore
import UnixSignals

/// Everything one server process holds open.
struct ServerNode: Sendable {
    private let settings: ServeSettings
    private let address: Address
    private let disk: RealDisk
    private let store: EmbeddedStore<RealDisk>
    private let threads: IOThreads
    private let deliveries: DeliveryManager
    private let applications: ApplicationManager
    private let consumers: NamedConsumers
    private let metrics: MetricsRegistry
    private let tokenSecret: [UInt8]
    /// The keys that may call; nil where nobody has to sign.
    private let keys: (store: CredentialStore, file: CredentialsFile, stamp: CredentialStore.Stamp?)?
    private let time = SystemTime()
    /// Of these the door may use what is left for connections.
    private let descriptors: DescriptorLimits
    /// What is shown to clients that speak TLS; nil where none is spoken.
    private let certificate: NodeCertificate?
    private let logger: Logger

    /// Opens the data directory, serves until SIGTERM or SIGINT, closes everything.
    static func run(_ settings: ServeSettings) async throws {
        FreedMemory.keepSome()
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        let format = settings.logFormat
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, format: format, logLevel: level) }
        let node = try await ServerNode(opening: settings)
        do {
            try await node.serve()
        } catch {
            await node.close()
            throw CommandFailure(.failed, "The server at \(settings.http) could not go on: \(error)")
        }
        await node.close()
        LogSink.shared.flush(atMost: 1000)
    }

    /// Opens the store, then what works on it: deliveries before applications, which may write to them.
    private init(opening settings: ServeSettings) async throws {
        guard let address = Address(settings.http) else {
            throw CommandFailure(.usage, "http: '\(settings.http)' must be HOST:PORT")
        }
        self.settings = settings
        self.address = address
        logger = Logger(label: "node")
        keys = try NodeAccess.keys(settings, address, logger)
        metrics = MetricsRegistry()
        descriptors = DescriptorLimits.raised()
        do throws(DiskError) {
            disk = try RealDisk(root: settings.dataDirectory)
        } catch {
            throw CommandFailure(.failed, "The data directory \(settings.dataDirectory) \(Self.reason(error)).")
        }
        do {
            tokenSecret = try NodeSecret.load(from: disk, at: settings.dataDirectory, random: SystemRandom())
        } catch let error as UnknownFormat {
            throw CommandFailure(.failed, "The data directory \(settings.dataDirectory) cannot be opened: \(error)")
        } catch let error as DiskError {
            throw CommandFailure(.failed, "The file secret of the data directory \(settings.dataDirectory) \(Self.reason(error)).")
        }
        do throws(NodeCertificate.Problem) {
            certificate = try Self.certificate(settings, address)
        } catch {
            throw CommandFailure(.failed, "TLS cannot be spoken: \(error).")
        }
        let logLogger = Logger(label: "log")
        var logOptions = settings.log
        logOptions.maxOpenSegments = descriptors.openSegments
        logOptions.flushedSegments = descriptors.flushedSegments
        logOptions.onDamage = { Self.report($0, to: logLogger) }
        let recovery: StoreRecovery
        do {
            (store, recovery) = try await EmbeddedStore.open(
                disk: disk, directory: settings.dataDirectory, time: time,
                options: EmbeddedStoreOptions(
                    lifecycleDelaySeconds: settings.lifecycleDelay, shardLimit: settings.quotas.shards ?? .max, log: logOptions))
        } catch {
            throw CommandFailure(.failed, "The store cannot be opened: \(error)")
        }
        Self.report(recovery, to: logLogger)
        threads = IOThreads(name: "archive", count: 2)
        let objects = DirectoryObjectStore(disk: disk, threads: threads)
        let deliveries = DeliveryManager(
            store: store, objects: objects, time: time, random: SystemRandom(), logger: Logger(label: "delivery"))
        self.deliveries = deliveries
        applications = ApplicationManager(
            store: store, time: time, random: SystemRandom(),
            resolve: { target in
                switch target {
                case .stream: target.key
                case .deliveryStream: deliveries.streamKey(target.name)
                }
            }, references: DirectoryReferenceFiles(root: settings.dataDirectory + "/buckets", threads: threads),
            stateBytes: settings.applicationStateBytes, snapshotBytes: settings.applicationSnapshotBytes,
            logger: Logger(label: "engine"))
        do {
            try await objects.removeUnfinished()
            try await deliveries.open()
            try await applications.open()
            consumers = try await NamedConsumers.open(store: store, time: time)
        } catch ConsumerError.unknownFormat(let found, let known) {
            throw CommandFailure(
                .failed,
                "The data directory \(settings.dataDirectory) cannot be opened: its consumers have format \(found); this build knows \(known)."
            )
        } catch DeliveryError.unknownFormat(let format), ApplicationError.unknownFormat(let format) {
            throw CommandFailure(.failed, "The data directory \(settings.dataDirectory) cannot be opened: \(format)")
        } catch {
            throw CommandFailure(.failed, "Deliveries, applications and consumers cannot be opened: \(error)")
        }
        NodeInstruments.register(
            in: metrics, store: store, disk: disk, deliveries: deliveries, applications: applications, time: time)
        NodeInstruments.register(in: metrics, consumers: consumers)
    }

    /// The certificate that the settings ask for.
    private static func certificate(
        _ settings: ServeSettings, _ address: Address
    ) throws(NodeCertificate.Problem) -> NodeCertificate? {
        guard settings.speaksTLS else { return nil }
        if !settings.tls.certificate.isEmpty {
            return try NodeCertificate(certificate: settings.tls.certificate, key: settings.tls.key)
        }
        return try NodeCertificate(
            own: NodeCertificate.Own(
                directory: settings.dataDirectory + "/tls",
                names: NodeCertificate.names(listeningOn: address.host, named: settings.door.allowedHosts)))
    }

    /// Why a data directory cannot be used, in words.
    private static func reason(_ error: DiskError) -> String {
        if error.operation == "lock" { return "is in use by another server" }
        return switch error.kind {
        case .other(errno: ENOTDIR), .other(errno: EEXIST), .alreadyExists: "is not a directory"
        case .other(errno: EROFS): "is on a read-only file system"
        case .other(errno: EACCES), .other(errno: EPERM): "may not be written by this user"
        case .noSpace: "is on a full disk"
        default: "cannot be opened: \(error)"
        }
    }

    /// What recovery found, a line for each thing a person wants to know.
    private static func report(_ recovery: StoreRecovery, to logger: Logger) {
        logger.info(
            "store opened",
            metadata: [
                "streams": "\(recovery.streamCount)", "replayed-frames": "\(recovery.log.replayedFrames)",
                "cut-bytes": "\(recovery.log.cutBytes)",
            ])
        for damage in recovery.log.damages { report(damage, to: logger) }
        for path in recovery.log.quarantined { logger.error("moved to quarantine", metadata: ["path": "\(path)"]) }
        for problem in recovery.problems + recovery.log.notes { logger.warning("\(problem)") }
    }

    private static func report(_ damage: RecoveryReport.Damage, to logger: Logger) {
        logger.critical(
            "records are damaged; they are not served, and not deleted",
            metadata: ["log": "\(damage.log)", "from": "\(damage.from)", "through": "\(damage.through)"])
    }

    private func serve() async throws {
        let kinesis = Kinesis(store: store, clock: time, settings: kinesisSettings, metrics: metrics)
        let firehose = Firehose(
            delivery: deliveries, clock: time,
            settings: Firehose.Settings(
                region: settings.region, accountID: settings.accountID, deliveryStreamLimit: settings.quotas.deliveryStreams),
            history: metrics.history)
        let sampling = MetricSampling(metrics.history, deliveries: deliveries, clock: time) { [store] in
            let streams = store.traffic.filter { $0.key.namespace == .stream }
            kinesis.countAppended(streams.map { ($0.key.name, $0.recordsIn, $0.bytesIn) })
        }
        let cloudWatch = CloudWatch(history: metrics.history, clock: time) { sampling.sample() }
        let analytics = Analytics(
            applications: applications, clock: time,
            settings: Analytics.Settings(
                region: settings.region, accountID: settings.accountID, applicationLimit: settings.quotas.applications,
                outputLimit: settings.quotas.applicationOutputs))
        let audit =
            settings.auditStream == "off" ? nil : AuditTrail(store, stream: settings.auditStream, logger: Logger(label: "audit"))
        let access = keys.map {
            NodeAccess($0, settings, secret: tokenSecret, kinesis: kinesis, audit: audit, logger: Logger(label: "access"))
        }
        if access != nil { try await kinesis.loadAttributes() }
        let directory = settings.dataDirectory
        // The framework's own start-up lines say again what the node says.
        var doorLogger = Logger(label: "http")
        doorLogger.logLevel = max(doorLogger.logLevel, .notice)
        let logger = logger
        let certificate = certificate
        let schemes = certificate == nil ? ["http"] : settings.tls.isRequired ? ["https"] : ["http", "https"]
        var doorSettings = settings.door
        (doorSettings.host, doorSettings.port) = (address.host, address.port)
        (doorSettings.tls, doorSettings.requiresTLS) = (certificate?.identity, settings.tls.isRequired)
        let tokens = QueryService.tokenService(accountID: settings.accountID, newSession: access?.newSession)
        let dispatcher = AWSDispatcher(
            [kinesis.service, firehose.service, cloudWatch.service, ConsumerService(consumers: consumers).service]
                + analytics.services, queries: [tokens, cloudWatch.queries],
            policy: access?.control, faults: settings.faults.rules)
        let door = HTTPDoor(
            doorSettings, dispatcher: dispatcher,
            readiness: { [store] in
                switch store.writability {
                case .writable: nil
                case .readOnly(let reason): "read only: \(reason)"
                }
            },
            downloads: ["/backup": { [store] in await Self.backup(of: store, Logger(label: "backup")) }],
            pageGate: access?.pageGate, metrics: metrics, logger: doorLogger,
            onListening: { host, port in
                let name = host.contains(":") ? "[\(host)]" : host
                logger.info("accepting requests", metadata: ["http": "\(name):\(port)"])
                if let authority = certificate?.own?.authority { StandardOutput.announce("Trust. AWS_CA_BUNDLE=\(authority)") }
                let faces = schemes.map { "\($0)=\(name):\(port)" }.joined(separator: " ")
                StandardOutput.announce("Ready. \(faces) data=\(directory)")
            })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: door, successTerminationBehavior: .gracefullyShutdownGroup)] + watches,
                gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "lifecycle")))
        kinesis.open()
        let minutes = Task { await sampling.run() }
        let watch = Task { await access?.watch() }
        let auditing = Task { await access?.audit?.run() }
        let consumerLogger = Logger(label: "consumers")
        let looking = Task { [consumers] in
            await consumers.watch { consumerLogger.warning("how far consumers are behind is not known: \($0)") }
        }
        defer {
            minutes.cancel()
            watch.cancel()
            auditing.cancel()
            looking.cancel()
        }
        do {
            try await group.run()
        } catch {
            await kinesis.close()
            throw error
        }
        await access?.audit?.write()
        await kinesis.close()
    }

    private var watches: [ServiceGroupConfiguration.ServiceConfiguration] {
        guard let certificate else { return [] }
        let watch = CertificateWatch(certificate: certificate, logger: Logger(label: "tls"))
        return [.init(service: watch, successTerminationBehavior: .ignore)]
    }

    private var kinesisSettings: Kinesis.Settings {
        var kinesis = Kinesis.Settings(
            region: settings.region, accountID: settings.accountID, tokenSecret: tokenSecret,
            streamLimit: settings.quotas.streams)
        kinesis.shardLimit = settings.quotas.shards
        kinesis.consumerLimit = settings.quotas.consumers
        kinesis.strictLimits = settings.strictLimits
        kinesis.getRecordsWaitMilliseconds = Int64(settings.getRecordsWait)
        kinesis.onDemand.mostShards = settings.onDemandShards
        let logger = Logger(label: "kinesis")
        kinesis.report = { level, message, particulars in
            logger.log(
                level: level == .error ? .error : .info, "\(message)", metadata: particulars.mapValues { .string($0) })
        }
        kinesis.subscriptions.memoryBytes = settings.door.memoryLimit / 4
        kinesis.lifecycleMilliseconds = 1000 * Int64(settings.lifecycleDelay)
        return kinesis
    }

    /// Begins a backup for whoever asked for it over HTTP.
    private static func backup(of store: EmbeddedStore<RealDisk>, _ logger: Logger) async -> Download.Answer {
        do throws(BackupError) {
            let backup = try await store.backup()
            logger.info("a backup was begun")
            return .download(
                Download(
                    contentType: "application/x-tar", fileName: "millrace-backup.tar",
                    stream: ReplyStream(
                        next: {
                            do throws(BackupError) {
                                return try await backup.next()
                            } catch {
                                logger.error("the backup was broken off: \(error)")
                                throw error
                            }
                        }, close: { backup.close() })))
        } catch {
            if error == .busy { return .refusal(status: 409, reason: "\(error)") }
            logger.error("no backup can be made: \(error)")
            return .refusal(status: 500, reason: "\(error)")
        }
    }

    /// How long closing may take.
    private static let stopSeconds: UInt32 = 20

    /// Stops what reads and writes, then the store: everything acknowledged is synced already, so nothing can be lost here.
    private func close() async {
        logger.info("stopping")
        // One piece of input may keep an application at work for minutes, a catastrophic join for one.
        _ = IOThread(name: "stop-deadline") { [logger] in
            sleep(Self.stopSeconds)
            logger.error(
                "stopping took too long; the process ends as by a crash, and the next start computes again what was under way",
                metadata: ["seconds": "\(Self.stopSeconds)"])
            _exit(ExitStatus.failed.rawValue)
        }
        await applications.close()
        await deliveries.close()
        await consumers.close()
        await store.close()
        threads.close()
        disk.close()
        logger.info("stopped")
    }
}
