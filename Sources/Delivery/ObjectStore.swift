/// Where objects go: the seam to a directory, and later to S3.

/// An object that cannot be written now.
public struct ObjectStoreError: Error, Sendable, CustomStringConvertible {
    public var bucket: String
    public var key: String
    public var reason: String
    public var description: String { "object \(bucket)/\(key): \(reason)" }

    public init(bucket: String, key: String, reason: String) {
        self.bucket = bucket
        self.key = key
        self.reason = reason
    }
}

/// Buckets of objects. An object appears whole or not at all, and is durable when `complete` returns; writing a key again replaces it.
public protocol ObjectStore: Sendable {
    /// Begins an object. Nothing is visible under the key before `complete`.
    func begin(bucket: String, key: String) async throws(ObjectStoreError) -> any ObjectUpload
    /// Whether an object is there; if so, it is durable when this returns.
    func holds(bucket: String, key: String) async throws(ObjectStoreError) -> Bool
}

/// An object on its way. One task uses it.
public protocol ObjectUpload: Sendable {
    /// Adds bytes at the end.
    func append(_ bytes: [UInt8]) async throws(ObjectStoreError)
    /// Makes the object visible and durable.
    func complete() async throws(ObjectStoreError)
    /// Gives up; what was written is removed.
    func abandon() async
}
