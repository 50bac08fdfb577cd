import Foundation
import GuestModels
import Postgres
import SyncMessages

/// A page of rows as phones have them, for readers without the sync protocol.
///
/// The rows are sent as they were published and never decoded.
struct PublishedPage: Sendable {
    /// Names the history and the version of the scope, in quotes.
    let tag: String
    /// The page as JSON; nil if the reader has it.
    let body: JSONText?

    /// Reads a page; the caller asks for permission beforehand, in the same look.
    ///
    /// - Parameters:
    ///   - ids: a subquery that gives the ids of the rows.
    ///   - after: the last id of the page before; nil for the first page.
    ///   - isKnown: whether the reader has the page with this tag.
    static func read(
        _ kind: Publication.Kind,
        in scope: Scope,
        ids: SQL,
        after: UUID?,
        limit: Int,
        unless isKnown: @Sendable (String) -> Bool,
        _ look: Look
    ) async throws -> PublishedPage {
        guard let tag = try await look.reader.first(PublishingSQL.tag(of: scope)) else {
            throw Inconsistency("\(scope) has no tag")
        }
        if isKnown(tag) { return PublishedPage(tag: tag, body: nil) }
        // The statement reads tag and rows of one moment; the scope may have changed since the first look.
        let page = PublishingSQL.page(kind, in: scope, ids: ids, after: after, limit: limit)
        guard let found = try await look.reader.first(page) else { throw Inconsistency("\(scope) has no page") }
        return found
    }
}
