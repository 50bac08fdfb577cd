extension Paths {
    public static let upload = Path("/v1/uploads/{upload}", Upload.ID.self)
}
