extension Feature {
    /// The uploads feature: bytes that go on after a cut, for the features that want them.
    static let uploads = Feature(
        name: "uploads",
        handlers: [UploadRoutes.handlers],
        jobs: [ForgetUploads.self, RemovePicture.self],
        schedules: [.everyFiveMinutes(ForgetUploads()) { _ in true }],
        personalData: [.uploads]
    )
}
