/// The version of this build.
public enum Version {
    static let number = "1.0.0"

    /// For `voorpret --version`.
    public static let text = "voorpret \(number), schema \(Migrator.expectedVersion)"
}
