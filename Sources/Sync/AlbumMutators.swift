import GuestModels
import SyncMessages

extension Mutator {
    /// How mutations of album photos look on the phone that made them.
    public static let albums: [String: Mutator] = [
        "photo.add@1": Mutator { (new: PhotoArguments, deed, overlay) in
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
