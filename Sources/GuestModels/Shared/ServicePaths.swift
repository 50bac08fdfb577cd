extension Paths {
    public static let adminJobs = Path("/v1/admin/jobs")
    public static let openAPI = Path("/openapi.yaml")
    public static let docs = Path("/docs")
    public static let docsFile = Path("/docs/{file}", String.self)
}
