import GuestModels

extension Story {
    /// A guest reports a problem, a host answers, and the group says when it is solved.
    mutating func mend() async throws {
        let problem: [String: any Sendable] = [
            "bookingId": text(booking), "kind": "problem", "urgency": "urgent",
            "message": ["text": "The heating does not start."],
        ]
        let topic = try await ask("POST", Paths.groupTopics.with(text(group)), problem, as: els)
        say("Els reports that the heating does not start.")
        let inbox = try await items(Paths.adminParkInbox.with(text(park)), as: reception)
        let waiting = inbox.contains { ($0["topic"] as? JSON).map { text($0) } == text(topic) }
        try require(waiting, "the inbox does not show the problem")
        let answer = ["text": "Somebody is on the way."]
        _ = try await ask("POST", Paths.adminTopicMessages.with(text(topic)), answer, as: reception)
        say("The receptionist sees it in the inbox, and answers.")
        _ = try await ask("POST", Paths.groupTopicClose.with(text(group), text(topic)), nil, as: els)
        say("The heating works. Els closes the topic; nobody else can.")
    }
}
