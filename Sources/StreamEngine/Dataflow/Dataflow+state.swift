/// A dataflow's state: frozen in a moment, given piece by piece while rows go on, and taken back.

import StreamSQL

/// What was frozen of a dataflow at one moment: all of its state, or what has changed since the moment before.
package struct SnapshotLayer: Sendable, Hashable {
    package var head: [UInt8]
    package var pieces: [[UInt8]]

    package init(head: [UInt8], pieces: [[UInt8]] = []) {
        self.head = head
        self.pieces = pieces
    }
}

/// An operator whose state is being given.
struct FrozenOperator: Sendable {
    /// Its place in the head.
    var number: Int
    var holder: Holder

    /// Who keeps it.
    enum Holder: Sendable {
        case pump(Int, id: String)
        case table(Int)
    }
}

extension Dataflow {
    /// The operators with state, by id: the pump's name, a slash, the operator's kind and number.
    package var states: [String: String] {
        var states: [String: String] = [:]
        for pump in pumps {
            for (id, state) in pump.graph.states { states["\(pump.stateName)/\(id)"] = state.signature }
        }
        for table in tables { states[Self.id(of: table)] = table.state.signature }
        return states
    }

    /// No pump's name begins with a slash.
    private static func id(of table: ReferenceTable) -> String { "/table/\(table.schema.name)" }

    /// The whole state, for `restore(from:)`. Output that was not taken is not part of it.
    public func snapshot() -> [UInt8] {
        var copy = self
        var layer = SnapshotLayer(head: copy.freezeState(whole: true))
        while let piece = copy.nextPiece(bytes: 1 << 20) { layer.pieces.append(piece) }
        return DataflowSnapshot.bytes(of: layer)
    }

    /// Freezes the state as it is now. `nextPiece` then gives it, whatever is played in between.
    ///
    /// - Parameter whole: all of it. Otherwise what has changed since the last time, which must have been given to its end; what was restored counts
    ///   as given.
    /// - Returns: the head.
    package mutating func freezeState(whole: Bool) -> [UInt8] {
        var snapshot = DataflowSnapshot(clockMilliseconds: clockMilliseconds, errorRowCount: errorRowCount, hasEnded: hasEnded)
        for stream in streams { snapshot.lastRowtimes[stream.schema.name] = stream.lastRowtime }
        frozen = []
        for pump in pumps.indices {
            for (id, state) in pumps[pump].graph.states {
                var head = StateWriter()
                pumps[pump].graph.freezeState(of: id, whole: whole, head: &head)
                frozen.append(FrozenOperator(number: snapshot.operators.count, holder: .pump(pump, id: id)))
                snapshot.operators.append(
                    DataflowSnapshot.Part(
                        id: "\(pumps[pump].stateName)/\(id)", version: state.version, signature: state.signature, bytes: head.bytes)
                )
            }
        }
        for index in tables.indices {
            var head = StateWriter()
            tables[index].freeze(whole: whole, head: &head)
            let state = tables[index].state
            frozen.append(FrozenOperator(number: snapshot.operators.count, holder: .table(index)))
            snapshot.operators.append(
                DataflowSnapshot.Part(
                    id: Self.id(of: tables[index]), version: state.version, signature: state.signature, bytes: head.bytes))
        }
        frozen.reverse()
        return snapshot.encoded()
    }

    /// The next piece of what was frozen, of about `bytes`; nil when all of it was given.
    package mutating func nextPiece(bytes: Int) -> [UInt8]? {
        while let next = frozen.last {
            var writer = StateWriter()
            writer.write(count: next.number)
            let hasPiece =
                switch next.holder {
                case .pump(let pump, let id): pumps[pump].graph.nextPiece(of: id, bytes: bytes, to: &writer)
                case .table(let table): tables[table].nextPiece(bytes: bytes, to: &writer)
                }
            if hasPiece { return writer.bytes }
            frozen.removeLast()
        }
        return nil
    }

    /// Takes the state of a snapshot instead of its own: what operators of the same id and signature kept.
    ///
    /// - Parameter isSameProgram: everything must fit, for it was written by a dataflow of the same program, inputs and seed; otherwise operators whose
    ///   state is not there begin without it, and what nobody takes is dropped.
    /// - Throws: `SnapshotError`; the dataflow is then of no more use.
    public mutating func restore(from bytes: [UInt8], isSameProgram: Bool = true) throws(SnapshotError) {
        switch DataflowSnapshot.version(of: bytes) {
        case 1:
            // Nothing in it has a name.
            guard isSameProgram else { throw .otherProgram }
            try restoreFirst(from: bytes)
        case 2:
            let snapshot = try DataflowSnapshot(decodingSecond: bytes)
            try take(snapshot, isSameProgram: isSameProgram) { (dataflow, part) throws(SnapshotError) in
                try dataflow.takeSecond(part)
            }
        default: try restore([try DataflowSnapshot.layer(of: bytes)], isSameProgram: isSameProgram)
        }
    }

    /// The same from what was frozen: a whole state, then what changed after it, in order.
    package mutating func restore(_ layers: [SnapshotLayer], isSameProgram: Bool) throws(SnapshotError) {
        var heads: [DataflowSnapshot] = []
        var pieces: [[[StateReader]]] = []
        for layer in layers {
            let head = try DataflowSnapshot(decoding: layer.head)
            var byOperator = [[StateReader]](repeating: [], count: head.operators.count)
            for piece in layer.pieces {
                var reader = StateReader(piece)
                let number = try reader.number()
                guard byOperator.indices.contains(number) else { throw .damaged("a piece is of no operator") }
                byOperator[number].append(reader)
            }
            heads.append(head)
            pieces.append(byOperator)
        }
        guard let last = heads.last else { throw .damaged("there is no state") }
        try take(last, isSameProgram: isSameProgram) { (dataflow, part) throws(SnapshotError) in
            var states: [StateLayer] = []
            for (layer, head) in heads.enumerated() {
                guard let number = head.operators.firstIndex(where: { $0.id == part.id }) else { continue }
                states.append(StateLayer(head: StateReader(head.operators[number].bytes), pieces: pieces[layer][number]))
            }
            return try dataflow.take(part, states)
        }
        frozen = []
        if let reason = showTables() { throw .damaged(reason) }
    }

    /// - Parameter takePart: returns whether an operator takes it.
    private mutating func take(
        _ snapshot: DataflowSnapshot, isSameProgram: Bool,
        _ takePart: (inout Dataflow, DataflowSnapshot.Part) throws(SnapshotError) -> Bool
    ) throws(SnapshotError) {
        let names = Set(streams.map(\.schema.name))
        if isSameProgram {
            guard snapshot.lastRowtimes.keys.allSatisfy(names.contains), Set(snapshot.operators.map(\.id)) == Set(states.keys)
            else {
                throw .otherProgram
            }
        }
        for part in snapshot.operators {
            let isTaken = try takePart(&self, part)
            if isSameProgram, !isTaken { throw .otherProgram }
        }
        for index in streams.indices { streams[index].lastRowtime = snapshot.lastRowtimes[streams[index].schema.name] }
        clockMilliseconds = snapshot.clockMilliseconds
        errorRowCount = snapshot.errorRowCount
        hasEnded = snapshot.hasEnded
        output = []
        failure = nil
    }

    /// Takes the state of a snapshot of version 1, which had all in the order of the program.
    private mutating func restoreFirst(from bytes: [UInt8]) throws(SnapshotError) {
        var reader = try DataflowSnapshot.open(bytes, version: 1)
        let (clock, errors) = (try reader.int64(), try reader.int64())
        guard try reader.int64() == Int64(streams.count) else { throw .otherProgram }
        for index in streams.indices { streams[index].lastRowtime = try reader.optionalInt64() }
        guard try reader.int64() == Int64(pumps.count) else { throw .otherProgram }
        for index in pumps.indices { try pumps[index].graph.readFirstStates(from: &reader) }
        guard reader.isAtEnd, let errorCount = Int(exactly: errors), errorCount >= 0 else {
            throw .damaged("it has bytes left over")
        }
        (clockMilliseconds, errorRowCount, hasEnded) = (clock, errorCount, false)
        output = []
        failure = nil
    }

    /// Where the operator is that keeps a state; nil when no operator of this program keeps this.
    private func place(of part: DataflowSnapshot.Part) -> (pump: Int, id: String, state: OperatorState)? {
        for index in pumps.indices {
            for (id, state) in pumps[index].graph.states where "\(pumps[index].stateName)/\(id)" == part.id {
                return state.signature == part.signature ? (index, id, state) : nil
            }
        }
        return nil
    }

    /// From a snapshot of version 2, whose operators' states were all of version 1.
    private mutating func takeSecond(_ part: DataflowSnapshot.Part) throws(SnapshotError) -> Bool {
        guard let place = place(of: part) else { return false }
        guard part.version == 1 else { throw .unsupportedState(of: part.id, version: Int(part.version), known: 1) }
        var reader = StateReader(part.bytes)
        try pumps[place.pump].graph.readState(of: place.id, from: &reader)
        guard reader.isAtEnd else { throw .damaged("the state of \(part.id) has bytes left over") }
        return true
    }

    private mutating func take(_ part: DataflowSnapshot.Part, _ states: [StateLayer]) throws(SnapshotError) -> Bool {
        if let table = tables.firstIndex(where: { Self.id(of: $0) == part.id }) {
            guard tables[table].state.signature == part.signature else { return false }
            guard tables[table].state.version == part.version else {
                throw .unsupportedState(of: part.id, version: Int(part.version), known: Int(tables[table].state.version))
            }
            try tables[table].restore(states)
            return true
        }
        guard let place = place(of: part) else { return false }
        guard place.state.version == part.version else {
            throw .unsupportedState(of: part.id, version: Int(part.version), known: Int(place.state.version))
        }
        try pumps[place.pump].graph.restore(states, of: place.id)
        return true
    }
}
