/// The version of this build.
public enum Version {
    static let number = "1.0.0"

    /// The text that `voorpret --version` prints.
    public static let text = "voorpret \(number), schema \(Migrator.expectedVersion)"
}
