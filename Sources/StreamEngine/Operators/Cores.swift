/// Work of one step split over the processor's cores.

import Dispatch
import Foundation

/// What is split gives the same whatever the number of cores: each part is a function of its own input and has its own place in the result.
enum Cores {
    /// How many this process may use.
    static let count: Int = {
        // Foundation counts those that the process was told to leave to others.
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let mask = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }?.split(separator: "\t").last ?? ""
        let allowed = mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
        return allowed > 0 ? allowed : ProcessInfo.processInfo.activeProcessorCount
    }()

    /// The results of `body` for 0 up to `count`, in that order. Other threads take part as far as they are free; where none is, this one does it all.
    static func map<Result>(_ count: Int, _ body: (Int) -> Result) -> [Result] {
        [Result](unsafeUninitializedCapacity: count) { memory, initialized in
            let results = memory
            perform(count, isWorthIt: true) { index in results.initializeElement(at: index, to: body(index)) }
            initialized = count
        }
    }

    /// Changes each element by itself.
    /// - Parameter isWorthIt: whether others are asked to take part, which costs some microseconds.
    static func forEach<Element>(_ elements: inout [Element], isWorthIt: Bool, _ body: (inout Element, Int) -> Void) {
        elements.withUnsafeMutableBufferPointer { memory in
            let elements = memory
            perform(elements.count, isWorthIt: isWorthIt) { index in body(&elements[index], index) }
        }
    }

    private static func perform(_ count: Int, isWorthIt: Bool, _ body: (Int) -> Void) {
        guard isWorthIt, count > 1, Self.count > 1 else {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            // Each index is one thread's, and all have returned before this does.
            nonisolated(unsafe) let work = body
            DispatchQueue.concurrentPerform(iterations: count) { work($0) }
        }
    }
}
