/// An operation with its service: how calls of both kinds of operations are begun, and the table in which they are found.

/// Bytes in, an answer out.
struct ServedOperation: Sendable {
    /// What decides whether a call may go on, and the head that it looks at.
    struct Policed: Sendable {
        var policy: any CallPolicy
        var head: RequestHead

        func authenticate(_ body: UnsafeRawBufferPointer) throws(AWSError) -> AuthenticatedCall {
            AuthenticatedCall(policy: policy, head: head, caller: try policy.authenticate(head, body))
        }
    }

    /// A call whose maker is known.
    struct AuthenticatedCall: Sendable {
        var policy: any CallPolicy
        var head: RequestHead
        var caller: AuthenticatedCaller

        func authorize(_ operation: String, _ resources: [ResourceName]) throws(AWSError) {
            try policy.authorize(CallAction(head: head, caller: caller, operation: operation, resources: resources))
        }
    }

    let name: String
    let errors: [AWSError.Name]
    let memoryBound: Int
    let memory: @Sendable (Int) -> Int
    /// Reads a request and begins the work; the body is there only during the call.
    let start: @Sendable (UnsafeRawBufferPointer, DirectCall, Policed?) -> Void
    /// As `start`, where the body is of the form that is read as fast as it could be copied; if not, it returns false with nothing done.
    let startPlain: @Sendable (UnsafeRawBufferPointer, DirectCall, Policed?) -> Bool
    /// As `start`, in two parts: this one reads, anywhere; what it returns begins the work, on the call's loop.
    let prepare: @Sendable (UnsafeRawBufferPointer, DirectCall, Policed?) -> @Sendable () -> Void
    /// Whether the region that a call was signed for matters: to look for it takes as long as a small put.
    let wantsRegion: Bool

    init<Operation: DirectOperation>(direct _: Operation.Type, _ service: Operation.Service) {
        name = Operation.name
        errors = Operation.errors
        memoryBound = Operation.memoryBound
        memory = Operation.memory(forBodyOf:)
        wantsRegion = false
        start = { body, call, policed in
            do throws(AWSError) {
                let caller = try policed?.authenticate(body)
                call.note(caller)
                let request = try Operation.read(body, call.format, service)
                try caller?.authorize(Operation.name, Operation.resources(request, service))
                Operation.start(request, service, call)
            } catch {
                call.refuse(error)
            }
        }
        startPlain = { body, call, policed in
            guard let request = Operation.readPlain(body, call.format) else { return false }
            do throws(AWSError) {
                try policed?.authenticate(body).authorize(Operation.name, Operation.resources(request, service))
                Operation.start(request, service, call)
            } catch {
                call.refuse(error)
            }
            return true
        }
        prepare = { body, call, policed in
            do throws(AWSError) {
                let caller = try policed?.authenticate(body)
                call.note(caller)
                let request = try Operation.read(body, call.format, service)
                try caller?.authorize(Operation.name, Operation.resources(request, service))
                return { Operation.start(request, service, call) }
            } catch {
                return { call.refuse(error) }
            }
        }
    }

    init<Operation: AWSOperation>(_: Operation.Type, _ service: Operation.Service) {
        name = Operation.name
        errors = Operation.errors
        memoryBound = Operation.memoryBound
        memory = { AWSCall.memoryFactor * $0 }
        wantsRegion = true
        let prepare: @Sendable (UnsafeRawBufferPointer, DirectCall, Policed?) -> @Sendable () -> Void = { body, call, policed in
            do throws(AWSError) {
                let caller = try policed?.authenticate(body)
                let request = try call.format.request(
                    Operation.Request.self, body, rules: Operation.rules, depthLimit: Operation.depthLimit)
                try caller?.authorize(Operation.name, Operation.resources(request, service))
                return { Self.run(Operation.self, request, service, call) }
            } catch {
                return { call.refuse(error) }
            }
        }
        self.prepare = prepare
        start = { body, call, policed in prepare(body, call, policed)() }
        startPlain = { _, _, _ in false }
    }

    /// An operation of the API that is not served: whoever may call it is told so.
    init(refusing name: String, of service: String, _ error: AWSError) {
        self.name = name
        errors = [error.name]
        memoryBound = 1 << 20
        memory = { AWSCall.memoryFactor * $0 }
        wantsRegion = false
        let prepare: @Sendable (UnsafeRawBufferPointer, DirectCall, Policed?) -> @Sendable () -> Void = { body, call, policed in
            do throws(AWSError) {
                try policed?.authenticate(body).authorize(name, [.all(of: service)])
                return { call.fail(error) }
            } catch {
                return { call.refuse(error) }
            }
        }
        self.prepare = prepare
        start = { body, call, policed in prepare(body, call, policed)() }
        startPlain = { _, _, _ in false }
    }

    private static func run<Operation: AWSOperation>(
        _: Operation.Type, _ request: Operation.Request, _ service: Operation.Service, _ call: DirectCall
    ) {
        Task {
            let result = await answer(Operation.self, request, service, call)
            call.loop.run {
                switch result {
                case .success(let body): call.succeed(body)
                case .failure(let error): call.fail(error)
                }
            }
        }
    }

    private static func answer<Operation: AWSOperation>(
        _: Operation.Type, _ request: Operation.Request, _ service: Operation.Service, _ call: DirectCall
    ) async -> Result<[UInt8], AWSError> {
        do throws(AWSError) {
            let response = try await Operation.run(request, service, AWSCall(id: call.id, memory: call.memory, region: call.region))
            var writer = WireWriter(call.format)
            try response.write(to: &writer)
            return .success(writer.bytes)
        } catch {
            return .failure(error)
        }
    }
}

/// The operations of all services by their whole X-Amz-Target, found without making a text of it.
struct OperationTable: Sendable {
    private struct Entry: Sendable {
        var target: [UInt8]
        var operation: ServedOperation
    }

    /// Open addressing; a power of two, less than half full.
    private let slots: [Entry?]

    init(_ services: [AWSService]) {
        let entries = services.flatMap { service in
            service.operations.map { Entry(target: Array("\(service.prefix).\($0.key)".utf8), operation: $0.value) }
        }
        var slots = [Entry?](repeating: nil, count: 1 << (Int.bitWidth - (2 * entries.count + 1).leadingZeroBitCount))
        for entry in entries {
            var slot = entry.target.withUnsafeBytes { Self.hash($0) } & (slots.count - 1)
            while let other = slots[slot] {
                precondition(other.target != entry.target, "two services answer to \(entry.operation.name) under one prefix")
                slot = (slot + 1) & (slots.count - 1)
            }
            slots[slot] = entry
        }
        self.slots = slots
    }

    subscript(target: UnsafeRawBufferPointer) -> ServedOperation? {
        var slot = Self.hash(target) & (slots.count - 1)
        while let entry = slots[slot] {
            if entry.target.count == target.count, entry.target.elementsEqual(target) { return entry.operation }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// FNV-1a (Fowler, Noll, Vo); the names are ours, so that nobody can choose them to collide.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
