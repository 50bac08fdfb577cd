import GuestModels
import SyncMessages

extension Mutator {
    /// How mutations of album photos look on the phone that made them.
    public static let albums: [String: Mutator] = [
        "photo.add@1": Mutator { (new: AlbumArguments<PhotoRequest>, deed, overlay) in
            guard let id = new.request.id, let own = try overlay.traveller(in: new.groupId) else { return }
            let photo = Photo(new.request, id: id, album: new.bookingId, group: new.groupId, by: own, at: deed.at)
            try overlay.show("photo", id.uuid, in: Scope.group(new.groupId).description, as: photo)
        },
        "photo.change@1": Mutator { (change: ChangeArguments<Photo, PhotoChange>, _, overlay) in
            try overlay.change(change.id, in: change.groupId) { photo in
                // A text that somebody else has changed meanwhile stays; the service refuses the mutation.
                try? photo.change(change.request)
            }
        },
        "photo.heart@1": Mutator { (heart: ChangeArguments<Photo, HeartRequest>, _, overlay) in
            guard let own = try overlay.traveller(in: heart.groupId) else { return }
            try overlay.change(heart.id, in: heart.groupId) { $0.heart(heart.request.isHearted, by: own) }
        },
        "photo.place@1": Mutator { (place: ChangeArguments<Photo, PhotoPlacement>, _, overlay) in
            // A hidden photo leaves the group's rows; the service's answer brings the curator's own row of it.
            if place.request.isHidden == true {
                let scope = Scope.group(place.groupId).description
                return try overlay.show("photo", place.id.uuid, in: scope, as: Photo?.none)
            }
            try overlay.change(place.id, in: place.groupId) { $0.rank = place.request.rank ?? $0.rank }
        },
        "photo.object@1": Mutator { (objection: ChangeArguments<Photo, ObjectionRequest>, _, overlay) in
            let scope = Scope.group(objection.groupId).description
            guard objection.request.isObjecting,
                let photo: Photo = try overlay.body("photo", objection.id.uuid, in: scope),
                photo.travellerId != (try overlay.traveller(in: objection.groupId))
            else { return }
            try overlay.show("photo", objection.id.uuid, in: scope, as: Photo?.none)
        },
        "photo.shiftTimes@1": Mutator { (shift: AlbumArguments<TimeShift>, _, overlay) in
            guard let own = try overlay.traveller(in: shift.groupId) else { return }
            for id in shift.request.photoIds {
                try overlay.change(id, in: shift.groupId) { photo in
                    if photo.travellerId == own { photo.shiftTime(by: shift.request.seconds) }
                }
            }
        },
        "photo.remove@1": Mutator { (photo: ThingArguments<Photo>, _, overlay) in
            let scope = Scope.group(photo.groupId).description
            try overlay.show("photo", photo.id.uuid, in: scope, as: Photo?.none)
        },
    ]
}

extension Overlay {
    fileprivate func change(_ id: Photo.ID, in group: TravelGroup.ID, _ body: (inout Photo) -> Void) throws {
        let scope = Scope.group(group).description
        guard var photo: Photo = try self.body("photo", id.uuid, in: scope) else { return }
        body(&photo)
        try show("photo", id.uuid, in: scope, as: photo)
    }
}
