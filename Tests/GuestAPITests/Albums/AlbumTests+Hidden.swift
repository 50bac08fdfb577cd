import Foundation
import GuestModels
import Postgres
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI
@testable import Sync

/// Photos that curators hide, and photos whose pictured people object.
extension AlbumTests {
    private func place(
        _ photo: Photo,
        _ placement: PhotoPlacement,
        as who: Given.Person,
        _ api: GuestAPITestService
    ) async throws -> Int {
        try await api.change("PUT", "/v1/photos/\(photo.id)/placement", placement, as: who).status
    }

    private func object(
        _ photo: Photo,
        for child: Traveller.ID? = nil,
        _ isObjecting: Bool = true,
        as who: Given.Person,
        _ api: GuestAPITestService
    ) async throws -> Int {
        let request = ObjectionRequest(travellerId: child, isObjecting: isObjecting)
        return try await api.change("PUT", "/v1/photos/\(photo.id)/objection", request, as: who).status
    }

    /// Whether a person sees the photo, its picture, and its row in the list.
    private func sees(_ photo: Photo, _ who: Given.Person, _ stage: Stage) async throws -> [Bool] {
        let list: TestKit.Listed<Photo> = try await stage.api.get(stage.album, as: who).decode()
        return [
            try await stage.api.get("/v1/photos/\(photo.id)", as: who).status == 200,
            try await stage.api.get("/v1/photos/\(photo.id)/pictures/256", as: who).status == 200,
            list.items.contains { $0.id == photo.id },
        ]
    }

    private func own(_ who: Given.Person, _ stage: Stage) async throws -> Traveller.ID {
        let guest = try who.id()
        let own = try await stage.api.transaction {
            try await $0.first(GroupSQL.ownRow(in: stage.stay.group.id, of: guest))?.id
        }
        return try #require(own)
    }

    @Test func `A hidden photo is seen by its member and the organiser alone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let third = try await api.given.member(of: stage.stay.group, invitedBy: stage.stay.organiser)
            #expect(try await place(photo, PhotoPlacement(isHidden: true), as: third, api) == 403)

            #expect(try await place(photo, PhotoPlacement(isHidden: true), as: stage.stay.organiser, api) == 204)

            #expect(try await sees(photo, third, stage) == [false, false, false])
            #expect(try await sees(photo, stage.stay.member, stage) == [true, true, false])
            #expect(try await sees(photo, stage.stay.organiser, stage) == [true, true, false])
            #expect(try await stage.seen(photo).isHidden == true)
            let path = "/v1/albums/\(stage.stay.booking.id)/hidden-photos"
            let hidden: TestKit.Listed<Photo> = try await api.get(path, as: stage.stay.organiser).decode()
            #expect(hidden.items.map(\.id) == [photo.id])
            #expect(try await api.get(path, as: third).status == 403)

            #expect(try await place(photo, PhotoPlacement(isHidden: false), as: stage.stay.organiser, api) == 204)
            #expect(try await sees(photo, third, stage) == [true, true, true])
        }
    }

    @Test func `Curators hide and order photos until they leave`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo(as: stage.stay.organiser)
            let (member, path) = (stage.stay.member, "/v1/albums/\(stage.stay.booking.id)/curators")
            let request = CuratorsRequest(travellerIds: [try await own(member, stage)])
            #expect(try await api.change("PUT", path, request, as: member).status == 403)
            let unknown = CuratorsRequest(travellerIds: [Traveller.ID(UUID())])
            #expect(try await api.change("PUT", path, unknown, as: stage.stay.organiser).code == "unknown_traveller")

            #expect(try await api.change("PUT", path, request, as: stage.stay.organiser).status == 204)
            #expect(try await place(photo, PhotoPlacement(rank: .first), as: member, api) == 204)
            #expect(try await stage.seen(photo).rank == .first)

            let address = "/v1/groups/\(stage.stay.group.id)/travellers/\(request.travellerIds[0])"
            #expect(try await api.send("DELETE", address, as: stage.stay.organiser).status == 204)
            #expect(try await api.count("SELECT count(*) FROM album_curator") == 0)
        }
    }

    @Test func `Somebody pictured hides a photo from all but its member`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let third = try await api.given.member(of: stage.stay.group, invitedBy: stage.stay.organiser)

            #expect(try await object(photo, as: third, api) == 204)

            for who in [third, stage.stay.organiser] {
                #expect(try await sees(photo, who, stage) == [false, false, false])
            }
            #expect(try await sees(photo, stage.stay.member, stage) == [true, true, false])
            #expect(try await place(photo, PhotoPlacement(isHidden: false), as: stage.stay.organiser, api) == 404)
            let path = "/v1/albums/\(stage.stay.booking.id)/objections"
            let made: TestKit.Listed<PhotoObjection> = try await api.get(path, as: third).decode()
            #expect(made.items.map(\.photoId) == [photo.id])
            let others: TestKit.Listed<PhotoObjection> = try await api.get(path, as: stage.stay.organiser).decode()
            #expect(others.items.isEmpty)
        }
    }

    @Test func `A photo comes back when nobody objects any more`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let third = try await api.given.member(of: stage.stay.group, invitedBy: stage.stay.organiser)
            for who in [third, stage.stay.organiser] { #expect(try await object(photo, as: who, api) == 204) }

            #expect(try await object(photo, false, as: third, api) == 204)
            #expect(try await sees(photo, third, stage) == [false, false, false])
            #expect(try await object(photo, false, as: stage.stay.organiser, api) == 204)

            #expect(try await sees(photo, third, stage) == [true, true, true])
        }
    }

    @Test func `A photo that is hidden is not shown to a member who adds it again`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let third = try await api.given.member(of: stage.stay.group, invitedBy: stage.stay.organiser)
            #expect(try await object(photo, as: stage.stay.organiser, api) == 204)

            let request = try stage.request(PictureTests.file("p3.jpg"))
            #expect(try await api.post(stage.album, request, as: third).code == "photo_hidden")
            #expect(try await api.post(stage.album, request, as: stage.stay.member).status == 200)
        }
    }

    @Test func `A child sees an own photo that somebody objects to`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let child = try await api.given.child(of: stage.stay.group, guardian: stage.stay.organiser)
            let phone = try await api.given.phone(of: child.id)
            let path = "/v1/groups/\(stage.stay.group.id)/travellers/\(child.id)"
            let yes = ConsentRequest(purpose: .photos, textVersion: "1", isGiven: true)
            #expect(try await api.post("\(path)/consents", yes, as: stage.stay.organiser).status == 204)
            let photo = try await stage.photo(as: phone)
            #expect(try await object(photo, as: stage.stay.member, api) == 204)

            let own: Photo = try await api.get("/v1/photos/\(photo.id)", as: phone).decode()
            #expect(own.isHidden == true)

            // The child gets an account, and its phone has the photo.
            let guest = try await api.given.guest("Kim")
            try await api.transaction { tx in
                let request = InvitationRequest(travellerId: child.id)
                let act = api.app.act(in: tx, as: .guest(try stage.stay.organiser.id()))
                let invitation = try await Invitation.create(request, to: stage.stay.group.id, act)
                let id = try guest.id()
                let job = api.app.act(in: tx, as: .job("test"))
                _ = try await Invitation.accept(code: invitation.code, InvitationAcceptance(), by: id, job)
            }
            let kim = try Phone(of: guest, api, mutators: Mutator.all)
            try await kim.engine.sync()
            let seen = try kim.store.entities("photo").map { try $0.decode(Photo.self) }
            #expect(seen.map(\.id) == [photo.id])
        }
    }

    @Test func `A guardian objects for the own child alone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let child = try await api.given.child(of: stage.stay.group, guardian: stage.stay.organiser)

            #expect(try await object(photo, for: child.id, as: stage.stay.member, api) == 403)
            #expect(try await object(photo, for: child.id, as: stage.stay.organiser, api) == 204)

            #expect(try await sees(photo, stage.stay.organiser, stage) == [false, false, false])
        }
    }

    @Test func `An objection stays when its member leaves or is erased`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo(as: stage.stay.organiser)
            let third = try await api.given.member(of: stage.stay.group, invitedBy: stage.stay.organiser)
            #expect(try await object(photo, as: stage.stay.member, api) == 204)

            #expect(try await api.send("DELETE", "/v1/me", as: stage.stay.member).status == 204)

            #expect(try await sees(photo, third, stage) == [false, false, false])
        }
    }

    @Test func `A hidden photo leaves the phones of others and stays on its own`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let phones = try [stage.stay.member, stage.stay.organiser].map {
                try Phone(of: $0, api, mutators: Mutator.all)
            }
            for phone in phones { try await phone.engine.sync() }
            let file = PhotoFile.picture(photo.id, .small)
            #expect(try PhotoFiles(besides: phones[1].path).read(file) != nil)

            let objection = ChangeArguments<Photo, ObjectionRequest>(
                groupId: stage.stay.group.id,
                id: photo.id,
                request: ObjectionRequest(isObjecting: true)
            )
            try phones[1].store.perform("photo.object@1", objection, at: api.now)
            #expect(try phones[1].store.entities("photo").isEmpty)
            for phone in phones.reversed() { try await phone.engine.sync() }

            #expect(try phones[1].store.entities("photo").isEmpty)
            #expect(try PhotoFiles(besides: phones[1].path).read(file) == nil)
            let own = try phones[0].store.entities("photo").map { try $0.decode(Photo.self) }
            #expect(own.map(\.isHidden) == [true])
            #expect(try PhotoFiles(besides: phones[0].path).read(file) != nil)
        }
    }

    @Test func `A member corrects the times of own photos alone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (own, other) = (try await stage.photo(), try await stage.photo("sample.heic", as: stage.stay.organiser))
            let shift = TimeShift(photoIds: [own.id, other.id], seconds: -3600)
            let path = "/v1/albums/\(stage.stay.booking.id)/time-shift"

            #expect(try await api.post(path, shift, as: stage.stay.member).status == 204)
            #expect(try await stage.seen(own).takenAt == own.takenAt.addingTimeInterval(-3600))
            #expect(try await stage.seen(other).takenAt == other.takenAt)

            let far = TimeShift(photoIds: [own.id], seconds: 86400 * 365)
            #expect(try await api.post(path, far, as: stage.stay.member).status == 204)
            #expect(try await stage.seen(own).takenAt == own.addedAt)
        }
    }

    @Test func `A corrected time counts more than the camera's`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")
            let photo = try await stage.add(bytes, as: stage.stay.member)
            let shift = TimeShift(photoIds: [photo.id], seconds: -60)
            let path = "/v1/albums/\(stage.stay.booking.id)/time-shift"
            #expect(try await api.post(path, shift, as: stage.stay.member).status == 204)

            _ = try await stage.send(bytes, of: photo, as: stage.stay.member)
            try await api.work()

            #expect(try await stage.seen(photo).takenAt == photo.takenAt.addingTimeInterval(-60))
        }
    }
}
