import ArgumentParser

@main
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voorpret-simulate",
        abstract: "Lets many people use the real service at once while everything around it fails.",
        subcommands: [
            SimulatePayments.self, SimulatePhones.self, SimulateLine.self, PlayPhone.self, ApplySnapshot.self,
            IdlePhone.self,
        ]
    )
}
