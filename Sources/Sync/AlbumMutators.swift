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
            // A hidden photo leaves the group's rows. The service lists hidden photos for curators.
            if place.request.isHidden == true { return try overlay.hide(place.id, in: place.groupId) }
            try overlay.change(place.id, in: place.groupId) { $0.rank = place.request.rank ?? $0.rank }
        },
        "photo.object@1": Mutator { (objection: ChangeArguments<Photo, ObjectionRequest>, _, overlay) in
            let own = try overlay.traveller(in: objection.groupId)
            guard objection.request.isObjecting,
                let photo = try overlay.photo(objection.id, in: objection.groupId)?.photo, photo.travellerId != own
            else { return }
            try overlay.hide(objection.id, in: objection.groupId)
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
            try overlay.hide(photo.id, in: photo.groupId)
        },
    ]
}

extension Overlay {
    /// A photo and the scope of its row: the group's, or for a hidden photo the guest's or the organiser's.
    fileprivate func photo(_ id: Photo.ID, in group: TravelGroup.ID) throws -> (photo: Photo, scope: String)? {
        for scope in [Scope.group(group), .guest(guest), .organiser(group)] {
            let name = scope.description
            if let photo: Photo = try body("photo", id.uuid, in: name) { return (photo, name) }
        }
        return nil
    }

    fileprivate func change(_ id: Photo.ID, in group: TravelGroup.ID, _ body: (inout Photo) -> Void) throws {
        guard let (known, scope) = try photo(id, in: group) else { return }
        var photo = known
        body(&photo)
        try show("photo", id.uuid, in: scope, as: photo)
    }

    fileprivate func hide(_ id: Photo.ID, in group: TravelGroup.ID) throws {
        guard let scope = try photo(id, in: group)?.scope else { return }
        try show("photo", id.uuid, in: scope, as: Photo?.none)
    }
}
