import GuestModels
import SyncMessages

extension Feature {
    /// The albums feature: the photos of a booking, which its group shares.
    static let albums = Feature(
        name: "albums",
        handlers: [AlbumRoutes.handlers],
        mutations: [
            "photo.add@1": MutationVerb { sent, act in
                let new: AlbumArguments<PhotoRequest> = try sent.arguments()
                return try await Photo.add(new.request, to: new.bookingId, act).isNew ? .applied : .noop
            },
            "photo.change@1": MutationVerb { sent, act in
                let change: ChangeArguments<Photo, PhotoChange> = try sent.arguments()
                return try await Photo.change(change.request, to: change.id, act)
            },
            "photo.heart@1": MutationVerb { sent, act in
                let heart: ChangeArguments<Photo, HeartRequest> = try sent.arguments()
                return try await Photo.heart(heart.request, heart.id, act.at(sent.madeAt))
            },
            "photo.place@1": MutationVerb { sent, act in
                let place: ChangeArguments<Photo, PhotoPlacement> = try sent.arguments()
                return try await Photo.place(place.request, place.id, act)
            },
            "photo.object@1": MutationVerb { sent, act in
                let objection: ChangeArguments<Photo, ObjectionRequest> = try sent.arguments()
                return try await Photo.object(objection.request, to: objection.id, act)
            },
            "photo.shiftTimes@1": MutationVerb { sent, act in
                let shift: AlbumArguments<TimeShift> = try sent.arguments()
                return try await Photo.shiftTimes(shift.request, in: shift.bookingId, act)
            },
            "photo.remove@1": MutationVerb { sent, act in
                let photo: ThingArguments<Photo> = try sent.arguments()
                try await Photo.remove(photo.id, act)
                return .applied
            },
        ],
        uploads: [.albumPhoto],
        jobs: [MakePhoto.self],
        retention: [
            Retention("albums") { act in
                try await Photo.forgetErased(act)
                return try await Photo.forgetComing(act)
            }
        ],
        personalData: [.albums],
        departures: [.albums],
        takeOvers: [.albums]
    )
}
