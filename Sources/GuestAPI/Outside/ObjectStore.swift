import NIOCore

/// A store for files outside the database, such as photos, under names that the service makes.
///
/// A name has only letters, digits, `-`, `.` and `/`, and never a client's text. Bytes are durable when `put` returns:
/// after a crash a name has all of its bytes or none. A call may wait for a disk or for another machine, so nobody calls
/// the store inside a transaction.
///
/// Every call throws `ObjectsUnavailable` when the store cannot serve it now.
protocol ObjectStore: Sendable {
    /// Stores bytes under a name, in place of what was there.
    func put(_ bytes: [UInt8], as name: String) async throws

    /// The object as it is now; nil when there is none.
    func open(_ name: String) async throws -> StoredObject?

    /// Removes an object; nothing happens where there is none.
    func remove(_ name: String) async throws

    /// All objects whose names begin with a folder and a slash, in no particular order.
    ///
    /// An object that is stored or removed meanwhile may be among them or not.
    func list(_ folder: String) async throws -> [ListedObject]
}

/// An object as a list shows it.
struct ListedObject: Hashable, Sendable {
    let name: String
    /// The object's size in bytes.
    let size: Int
}

/// An object that is open for reading.
struct StoredObject: Sendable {
    /// The object's size in bytes.
    let size: Int
    /// Sends a range within the size, piece by piece.
    ///
    /// - Throws: `ObjectsUnavailable`, also if the object was replaced or removed meanwhile.
    let read: @Sendable (_ range: Range<Int>, _ send: Answer.Send) async throws -> Void

    /// All bytes at once, for small objects.
    func bytes() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await read(0..<size) { bytes += $0.readableBytesView }
        return bytes
    }
}

/// The error of an object store that cannot serve a call now; a later try may succeed.
struct ObjectsUnavailable: Error, CustomStringConvertible {
    /// The store's answer, for the log only.
    let description: String
}
