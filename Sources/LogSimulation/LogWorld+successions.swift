/// Logs are split, merged and closed in the middle of work: appends to them are in flight, and so is what fails.

internal import HostSimulation
internal import StreamLog

extension LogWorld {
    /// The most logs of one run, those that have ended included.
    private static var mostBooks: Int { 14 }

    /// Ends one log or two and begins others.
    func succeed() {
        let candidates = model.mayEnd
        guard log != nil, let first = candidates.randomElement(using: &random), model.books.count < Self.mostBooks else {
            return close(oneOf: candidates)
        }
        let others = candidates.filter { $0 != first }
        switch roll(4) {
        case 0: if let second = others.randomElement(using: &random) { hand(in: [first, second], children: 1) }
        case 1: close(oneOf: candidates)
        default: hand(in: [first], children: 2)
        }
    }

    /// Some log must be left to work with.
    private func close(oneOf candidates: [Int]) {
        guard candidates.count > 1, let book = candidates.randomElement(using: &random) else { return }
        hand(in: [book], children: 0)
    }

    private func hand(in ending: [Int], children: Int) {
        guard let log else { return }
        var beginning: [(book: Int, continuing: Int?)] = []
        for child in 0..<children {
            beginning.append((model.books.count, child == 0 ? ending[0] : nil))
            var book = LogModel.Book(id: LogID(stream: 100 + UInt64(model.books.count), shard: UInt32(child)))
            book.existence = .unborn
            model.books.append(book)
        }
        let index = model.successions.count
        model.successions.append(
            LogModel.Succession(ending: ending, beginning: beginning, handedIn: nextHandedIn()))
        let succession = LogSuccession(
            ending: ending.map { model.books[$0].id },
            beginning: beginning.map { child in
                LogSuccession.Beginning(model.books[child.book].id, continuing: child.continuing.map { model.books[$0].id })
            })
        tell("succession \(index): \(succession.ending) end, \(succession.beginning.map(\.log)) begin")
        tally.successions += 1
        let isAtOnce = Flag()
        isAtOnce.value = true
        log.submit(succession) { [weak self] result in self?.answered(succession: index, result, isAtOnce: isAtOnce.value) }
        isAtOnce.value = false
    }

    private func answered(succession index: Int, _ result: Result<[LogAppended], LogError>, isAtOnce: Bool) {
        switch result {
        case .success(let places):
            tell("succession \(index): the ends are \(places.map(\.baseOffset))")
            let ends = places.map { LogEnd(offset: $0.baseOffset, arrivalMilliseconds: $0.arrivalMilliseconds) }
            if let wrong = model.carryOut(index, ends, as: .acknowledged) { blame(wrong) }
        case .failure(let error):
            tell("succession \(index) fails: \(error)")
            model.dismiss(index, as: isAtOnce ? .refused : outcome(of: error))
            switch error {
            case .failed, .ended, .logNotFound: blame("succession \(index) fails: \(error)")
            default: break
            }
        }
    }

    func nextHandedIn() -> Int {
        handedIn += 1
        return handedIn
    }
}
