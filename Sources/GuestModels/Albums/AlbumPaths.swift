extension Paths {
    public static let albumPhotos = Path("/v1/albums/{album}/photos", Booking.ID.self)
    public static let albumCurators = Path("/v1/albums/{album}/curators", Booking.ID.self)
    public static let albumHidden = Path("/v1/albums/{album}/hidden-photos", Booking.ID.self)
    public static let albumObjections = Path("/v1/albums/{album}/objections", Booking.ID.self)
    public static let albumArchive = Path("/v1/albums/{album}/archive", Booking.ID.self)
    public static let albumTimeShift = Path("/v1/albums/{album}/time-shift", Booking.ID.self)
    public static let photo = Path("/v1/photos/{photo}", Photo.ID.self)
    public static let photoBytes = Path("/v1/photos/{photo}/bytes", Photo.ID.self)
    public static let photoHeart = Path("/v1/photos/{photo}/heart", Photo.ID.self)
    public static let photoPlacement = Path("/v1/photos/{photo}/placement", Photo.ID.self)
    public static let photoObjection = Path("/v1/photos/{photo}/objection", Photo.ID.self)
    public static let photoPicture = Path("/v1/photos/{photo}/pictures/{size}", Photo.ID.self, Picture.Size.self)
}

extension Picture.Size: PathValue {
    public static func reading(_ segment: String) -> Picture.Size? { Picture.Size(rawValue: segment) }
    public var segment: String { rawValue }
}
