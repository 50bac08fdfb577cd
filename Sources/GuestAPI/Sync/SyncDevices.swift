import Foundation
import GuestModels
import Postgres

/// The phones that a guest syncs.
enum SyncDevices {
    private static let most = 20

    /// Registers a phone; beyond twenty phones, those that were away longest are removed.
    ///
    /// The call is safe to repeat. It throws `deviceTaken` if the phone belongs to another guest.
    static func register(_ device: UUID, of guest: Guest.ID, _ act: Act) async throws {
        let owner = try await act.tx.first(SyncSQL.register(device, of: guest, at: act.now))
        guard owner == guest else { throw Refusal.deviceTaken }
        act.tx.later([SyncSQL.pruneDevices(of: guest, atMost: most)])
    }
}

extension PersonalData {
    static let sync = PersonalData(
        name: "sync",
        export: { guest, act in try await act.tx.all(SyncSQL.devices(of: guest)) },
        erase: { guest, act in try await act.tx.run(SyncSQL.erase(guest)) },
        stop: { guest, act in try await act.tx.run(SyncSQL.stop(guest)) }
    )
}

extension Refusal {
    /// Another guest has registered this device id; make a new id for the phone.
    static let deviceTaken = Refusal(
        .conflict,
        "device_taken",
        en: "This device is registered for somebody else.",
        nl: "Dit apparaat is voor iemand anders aangemeld.",
        de: "Dieses Gerät ist für jemand anderen angemeldet."
    )
}
