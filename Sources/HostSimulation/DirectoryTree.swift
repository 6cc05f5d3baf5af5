/// The names on the simulated disk: directories, what is in them, and changes that were not synced.

internal import Host

/// A tree of directories. Files are numbers here.
struct DirectoryTree: Sendable {
    enum Entry: Hashable, Sendable {
        case directory
        case file(Int)
    }

    /// A change of the tree. It becomes durable by the sync of a directory that it touches.
    enum Change: Sendable {
        case create(String, Entry)
        case rename(String, String)
        case remove(String)

        /// The name that is there once it is made.
        var result: String? {
            switch self {
            case .create(let path, _): path
            case .rename(_, let destination): destination
            case .remove: nil
            }
        }
    }

    /// The names in one directory, sorted.
    private struct Directory: Sendable {
        var names: [String] = []
        var entries: [Entry] = []

        func index(of name: Substring) -> Int? { names.firstIndex { $0 == name } }

        mutating func set(_ name: Substring, _ entry: Entry?) {
            if let index = index(of: name) {
                if let entry {
                    entries[index] = entry
                } else {
                    names.remove(at: index)
                    entries.remove(at: index)
                }
            } else if let entry {
                let index = names.firstIndex { $0 > name } ?? names.count
                names.insert(String(name), at: index)
                entries.insert(entry, at: index)
            }
        }
    }

    private var directories: [String: Directory] = ["": Directory()]

    static func split(_ path: String) -> (parent: Substring, name: Substring) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path[...]) }
        return (path[..<slash], path[path.utf8.index(after: slash)...])
    }

    static func parent(_ path: String) -> String { String(split(path).parent) }

    func isDirectory(_ path: String) -> Bool { directories[path] != nil }

    subscript(path: String) -> Entry? {
        if path.isEmpty { return .directory }
        let (parent, name) = DirectoryTree.split(path)
        guard let directory = directories[String(parent)], let index = directory.index(of: name) else { return nil }
        return directory.entries[index]
    }

    /// The names in a directory, sorted; those of directories end in a slash. Nil when there is no such directory.
    func list(_ path: String) -> [String]? {
        guard let directory = directories[path] else { return nil }
        return zip(directory.names, directory.entries).map { $1 == .directory ? $0 + "/" : $0 }
    }

    /// All files, by path.
    var files: [(path: String, file: Int)] {
        var files: [(path: String, file: Int)] = []
        for (path, directory) in directories {
            for (name, entry) in zip(directory.names, directory.entries) {
                if case .file(let id) = entry { files.append((path.isEmpty ? name : "\(path)/\(name)", id)) }
            }
        }
        return files.sorted { $0.path < $1.path }
    }

    /// Puts an entry there, or with nil takes away what is there. The parent must exist.
    mutating func set(_ path: String, _ entry: Entry?) {
        let (parent, name) = DirectoryTree.split(path)
        directories[String(parent)]?.set(name, entry)
        if entry == .directory {
            if directories[path] == nil { directories[path] = Directory() }
        } else if directories[path] != nil {
            let below = path + "/"
            for directory in directories.keys where directory == path || directory.hasPrefix(below) { directories[directory] = nil }
        }
    }

    /// Makes a change if the tree has what it needs.
    mutating func apply(_ change: Change) {
        switch change {
        case .create(let path, let entry):
            if isDirectory(DirectoryTree.parent(path)) { set(path, entry) }
        case .remove(let path):
            // A directory is empty when it is removed; what crashed before its own removal was durable goes with it.
            if self[path] != nil { set(path, nil) }
        case .rename(let source, let destination):
            guard let entry = self[source], isDirectory(DirectoryTree.parent(destination)) else { return }
            var moved: [(String, Directory)] = []
            if entry == .directory {
                let below = source + "/"
                moved = directories.compactMap { path, directory in
                    path == source || path.hasPrefix(below) ? (destination + path.dropFirst(source.count), directory) : nil
                }
            }
            set(source, nil)
            set(destination, nil)
            set(destination, entry)
            for (path, directory) in moved { directories[path] = directory }
        }
    }
}

/// The tree as programs see it and as it is after a crash.
struct DurableTree: Sendable {
    private(set) var current = DirectoryTree()
    private(set) var durable = DirectoryTree()
    private var pending: [Pending] = []

    /// A change that is not durable, with the directories that it touches: there may be many, and each sync looks at all.
    private struct Pending: Sendable {
        var change: DirectoryTree.Change
        var directory: String
        var otherDirectory: String?
        /// Its directory was synced before that directory's own entry was: it becomes durable together with that.
        var isSynced = false

        init(_ change: DirectoryTree.Change) {
            self.change = change
            switch change {
            case .create(let path, _), .remove(let path): directory = DirectoryTree.parent(path)
            case .rename(let source, let destination):
                directory = DirectoryTree.parent(source)
                otherDirectory = DirectoryTree.parent(destination)
            }
        }

        func touches(_ path: String) -> Bool { directory == path || otherDirectory == path }
    }

    init() {}

    /// A tree that is all durable.
    init(settled tree: DirectoryTree) {
        current = tree
        durable = tree
    }

    mutating func change(_ change: DirectoryTree.Change) {
        current.apply(change)
        pending.append(Pending(change))
    }

    mutating func sync(_ path: String) {
        guard !pending.isEmpty else { return }
        // What is moved must have been made: a change that this one builds on goes with it.
        var needed: Set<String> = []
        var isApplied = [Bool](repeating: false, count: pending.count)
        for index in pending.indices.reversed() {
            let isNeeded = !needed.isEmpty && pending[index].change.result.map(needed.contains) ?? false
            guard isNeeded || pending[index].touches(path) else { continue }
            isApplied[index] = true
            if case .rename(let source, _) = pending[index].change { needed.insert(source) }
        }
        var rest: [Pending] = []
        for (index, var change) in pending.enumerated() {
            if isApplied[index] { change.isSynced = true }
            if change.isSynced, durable.isDirectory(change.directory) { durable.apply(change.change) } else { rest.append(change) }
        }
        pending = rest
    }

    /// Puts an entry there, durably, or takes it away.
    mutating func set(_ path: String, _ entry: DirectoryTree.Entry?) {
        var prefix = ""
        for part in path.split(separator: "/").dropLast() where entry != nil {
            prefix += prefix.isEmpty ? String(part) : "/\(part)"
            if !current.isDirectory(prefix) { current.set(prefix, .directory) }
            if !durable.isDirectory(prefix) { durable.set(prefix, .directory) }
        }
        current.set(path, entry)
        durable.set(path, entry)
    }

    /// What is left when any subset of the changes was written.
    func surviving(_ random: inout SeededGenerator) -> DirectoryTree {
        var tree = durable
        for pending in pending where random.next() % 2 == 0 { tree.apply(pending.change) }
        return tree
    }
}
