/// Adds a colleague, or takes one back who had left.
public struct StaffRequest: Codable, Sendable, Checked {
    /// The address for sign-in codes; stored in lower case.
    public var email: String
    /// The colleague's name, 1 to 100 characters.
    public var name: String
    /// The language of the colleague's mails; English when nil.
    public var language: Language?
    /// Whether the colleague may do everything, in all parks.
    public var isHeadOffice: Bool
    /// The colleague's functions at parks; at most 500, and repetitions count once.
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

/// Sets the name and the posts of a colleague; posts that are left out end.
public struct StaffChange: Codable, Sendable, Checked {
    /// The colleague's name, 1 to 100 characters.
    public var name: String
    public var isHeadOffice: Bool
    /// All posts of the colleague; at most 500.
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
    /// The change would leave nobody with `isHeadOffice` who still works here.
    public static let lastHeadOffice = Refusal(
        .conflict,
        "last_head_office",
        en: "Nobody else is at head office; add somebody first.",
        nl: "Er werkt verder niemand op het hoofdkantoor; voeg eerst iemand toe.",
        de: "Sonst ist niemand in der Zentrale; füge erst jemanden hinzu."
    )
}
