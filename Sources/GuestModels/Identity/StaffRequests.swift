/// A new colleague, or one who comes back.
public struct StaffRequest: Codable, Sendable, Checked {
    /// The address for sign-in codes; stored in lower case.
    public var email: String
    /// 1 to 100 characters.
    public var name: String
    /// The language of their mails; English unless told.
    public var language: Language?
    /// Whether they may do everything, in all parks.
    public var isHeadOffice: Bool
    /// Functions at parks; at most 500, repeats count once.
    public var posts: [StaffMember.Post]

    public init(
        email: String,
        name: String,
        language: Language? = nil,
        isHeadOffice: Bool = false,
        posts: [StaffMember.Post] = []
    ) {
        self.email = email
        self.name = name
        self.language = language
        self.isHeadOffice = isHeadOffice
        self.posts = posts
    }

    public func check(_ check: inout Check) {
        check.email(email, "/email")
        check.text(name, "/name", length: 1...100)
        check.require(posts.count <= 500, "/posts", "must have at most 500 entries")
    }
}

/// The name and the posts of a colleague from now on; posts that are left out end.
public struct StaffChange: Codable, Sendable, Checked {
    /// 1 to 100 characters.
    public var name: String
    public var isHeadOffice: Bool
    /// At most 500.
    public var posts: [StaffMember.Post]

    public init(name: String, isHeadOffice: Bool = false, posts: [StaffMember.Post] = []) {
        self.name = name
        self.isHeadOffice = isHeadOffice
        self.posts = posts
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
        check.require(posts.count <= 500, "/posts", "must have at most 500 entries")
    }
}

extension Refusal {
    public static let lastHeadOffice = Refusal(
        .conflict,
        "last_head_office",
        en: "Nobody else is at head office; add somebody first.",
        nl: "Er werkt verder niemand op het hoofdkantoor; voeg eerst iemand toe.",
        de: "Sonst ist niemand in der Zentrale; füge erst jemanden hinzu."
    )
}
