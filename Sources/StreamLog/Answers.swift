/// Answers to those who wait: given without any lock, in the order of the commits, each place woken once.

internal import Host

/// What callers are to be told, without any lock and once the journal is free.
struct Answers: Sendable {
    typealias AppendAnswer = (request: AppendRequest, result: Result<[LogAppended], LogError>)

    var appends: [AppendAnswer] = []
    var others: [(DoneReply, Result<Void, LogError>)] = []
    var wakes: [Waiters.Wake] = []

    var isEmpty: Bool { appends.isEmpty && others.isEmpty && wakes.isEmpty }

    /// Takes out the answers of those who wait on threads of their own.
    mutating func takeCallers() -> [AppendAnswer] {
        let callers = appends.filter { $0.request.caller != nil }
        if !callers.isEmpty { appends.removeAll { $0.request.caller != nil } }
        return callers
    }

    /// - Parameter pool: where those are answered who await; nil: here.
    func give(_ pool: (any AnswerPlace)?) {
        giveAppends()
        guard !others.isEmpty || !wakes.isEmpty else { return }
        let work: @Sendable () -> Void = { [others, wakes] in
            for (reply, result) in others { reply(result) }
            for wake in wakes { wake.resume(returning: true) }
        }
        if let pool { pool.run(work) } else { work() }
    }

    private func giveAppends() {
        var places: [(place: any AnswerPlace, answers: [AppendAnswer])] = []
        var numbers: [ObjectIdentifier: Int] = [:]
        for answer in appends {
            guard let place = answer.request.place else {
                answer.request.reply(answer.result)
                continue
            }
            if let last = places.indices.last, places[last].place === place {
                places[last].answers.append(answer)
            } else if let number = numbers[ObjectIdentifier(place)] {
                places[number].answers.append(answer)
            } else {
                numbers[ObjectIdentifier(place)] = places.count
                places.append((place, [answer]))
            }
        }
        for (place, answers) in places {
            place.run { for (request, result) in answers { request.reply(result) } }
        }
    }
}

extension StreamLog {
    /// Lets the next one have the journal, and gives answers. Whoever gives answers gives those of others too that come meanwhile, so that they keep the
    /// order of the commits.
    func releaseJournal(_ answers: Answers) {
        var others = answers
        // A thread that waits has one answer to come, so there is no order to keep: it need not wait until somebody else has given his.
        let callers = others.takeCallers()
        var turn = node.withLock { [others] state -> [Answers] in
            state.releaseJournal(others)
            offerJournal(state)
            return state.takeOutbox()
        }
        for (request, result) in callers { request.reply(result) }
        while !turn.isEmpty {
            for answers in turn { answers.give(pool) }
            turn = node.withLock { $0.takeNextOutbox() }
        }
    }

    /// Wakes whoever is to have the journal next, if there is work.
    private func offerJournal(_ state: NodeState) {
        guard state.journalHasWork else { return }
        // A caller that waits for the next group takes over before those are told whose group has ended; only then has the disk no pause.
        if state.removals.isEmpty, state.phase == .open, let next = state.commit.firstWaiting,
            let caller = state.requests[next]?.caller
        {
            caller.askToLead()
        } else {
            node.wake(NodeCondition.journal)
        }
    }
}
