extension Paths {
    public static let groupTopics = Path("/v1/groups/{group}/topics", TravelGroup.ID.self)
    public static let groupTopic = Path("/v1/groups/{group}/topics/{topic}", TravelGroup.ID.self, Topic.ID.self)
    public static let groupTopicMessages = Path(
        "/v1/groups/{group}/topics/{topic}/messages",
        TravelGroup.ID.self,
        Topic.ID.self
    )
    public static let groupTopicClose = Path(
        "/v1/groups/{group}/topics/{topic}/close",
        TravelGroup.ID.self,
        Topic.ID.self
    )
    public static let groupMessages = Path("/v1/groups/{group}/messages", TravelGroup.ID.self)
    public static let groupMessage = Path("/v1/groups/{group}/messages/{message}", TravelGroup.ID.self, Message.ID.self)
    public static let groupPhoto = Path("/v1/groups/{group}/photos/{name}", TravelGroup.ID.self, PhotoName.self)
    public static let adminTopicPhoto = Path("/v1/admin/topics/{topic}/photos/{name}", Topic.ID.self, PhotoName.self)
    public static let adminParkInbox = Path("/v1/admin/parks/{park}/inbox", Park.ID.self)
    public static let adminTopic = Path("/v1/admin/topics/{topic}", Topic.ID.self)
    public static let adminTopicMessages = Path("/v1/admin/topics/{topic}/messages", Topic.ID.self)
}
