import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Children with a phone of their own, whose guardian agrees to photos.
extension AlbumTests {
    private func consent(_ isGiven: Bool, for child: Traveller, _ stage: Stage) async throws {
        let path = "/v1/groups/\(stage.stay.group.id)/travellers/\(child.id)/consents"
        let consent = ConsentRequest(purpose: .photos, textVersion: "1", isGiven: isGiven)
        #expect(try await stage.api.post(path, consent, as: stage.stay.organiser).status == 204)
        // A later word counts.
        stage.api.clock.advance(by: 1)
    }

    @Test func `A child adds, sees, likes and deletes photos with the guardian's consent`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let child = try await api.given.child(of: stage.stay.group, guardian: stage.stay.organiser)
            let phone = try await api.given.phone(of: child.id)
            try await consent(true, for: child, stage)
            let other = try await stage.photo("sample.png")

            let photo = try await stage.photo(as: phone)

            #expect(photo.travellerId == child.id && photo.state == .ready)
            #expect(try await api.get("/v1/photos/\(photo.id)/pictures/256", as: phone).status == 200)
            let liked = try await api.change(
                "PUT",
                "/v1/photos/\(other.id)/heart",
                HeartRequest(isHearted: true),
                as: phone
            )
            #expect(try liked.decode(Photo.self).hearts == [child.id])
            #expect(try await api.send("DELETE", "/v1/photos/\(other.id)", as: phone).status == 403)
            #expect(try await api.send("DELETE", "/v1/photos/\(photo.id)", as: phone).status == 204)
        }
    }

    @Test func `A child's upload goes on after a cut and belongs to the child`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let child = try await api.given.child(of: stage.stay.group, guardian: stage.stay.organiser)
            let phone = try await api.given.phone(of: child.id)
            try await consent(true, for: child, stage)
            let bytes = try Data(PictureTests.file("p3.jpg"))
            let photo = try await stage.add(Array(bytes), as: phone)
            let headers = ["content-type": "image/jpeg", "upload-complete": "?0", "upload-length": "\(bytes.count)"]
            let path = "/v1/photos/\(photo.id)/bytes"
            let begun = try await api.send("PUT", path, raw: Data(), as: phone, headers: headers)
            let upload = try #require(begun.headers["location"])
            func append(_ part: Data, at offset: Int, as who: Given.Person) async throws -> Int {
                let isLast = offset + part.count == bytes.count
                let headers = [
                    "content-type": Upload.partialType, "upload-offset": "\(offset)",
                    "upload-complete": isLast ? "?1" : "?0",
                ]
                return try await api.send("PATCH", upload, raw: part, as: who, headers: headers).status
            }

            #expect(try await append(bytes.prefix(500), at: 0, as: stage.stay.organiser) == 404)
            #expect(try await append(bytes.prefix(500), at: 0, as: phone) == 204)
            #expect(try await append(bytes.dropFirst(500), at: 500, as: phone) == 201)

            try await api.work()
            #expect(try await stage.seen(photo).state == .ready)
        }
    }

    @Test func `A child without the guardian's consent sees no photo`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let child = try await api.given.child(of: stage.stay.group, guardian: stage.stay.organiser)
            let phone = try await api.given.phone(of: child.id)
            let photo = try await stage.photo()
            func isRefused() async throws {
                for path in [stage.album, "/v1/photos/\(photo.id)", "/v1/photos/\(photo.id)/pictures/256"] {
                    #expect(try await api.get(path, as: phone).code == "photos_not_allowed", "\(path)")
                }
            }
            try await isRefused()
            try await consent(true, for: child, stage)
            #expect(try await api.get("/v1/photos/\(photo.id)", as: phone).status == 200)

            try await consent(false, for: child, stage)

            try await isRefused()
            let request = try stage.request(PictureTests.file("sample.png"))
            #expect(try await api.post(stage.album, request, as: phone).code == "photos_not_allowed")
        }
    }

    @Test func `An erasure takes the photos of children in the guest's care`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (group, member) = (stage.stay.group.id, stage.stay.member)
            let guest = try member.id()
            let own = try await api.transaction { try await $0.first(GroupSQL.ownRow(in: group, of: guest))?.id }
            let request = try TravellerRequest(name: "Kim", birthDate: day("2019-06-01"), guardianId: own)
            let child: Traveller = try await api.post("/v1/groups/\(group)/travellers", request, as: member).decode()
            let phone = try await api.given.phone(of: child.id)
            let path = "/v1/groups/\(stage.stay.group.id)/travellers/\(child.id)/consents"
            let yes = ConsentRequest(purpose: .photos, textVersion: "1", isGiven: true)
            #expect(try await api.post(path, yes, as: stage.stay.member).status == 204)
            let photo = try await stage.photo(as: phone)

            #expect(try await api.send("DELETE", "/v1/me", as: stage.stay.member).status == 204)

            #expect(try await api.get("/v1/photos/\(photo.id)", as: stage.stay.organiser).status == 404)
        }
    }

    @Test func `A child of another group finds no photo`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let other = try await api.given.group(of: stage.stay.organiser)
            let child = try await api.given.child(of: other, guardian: stage.stay.organiser)
            let phone = try await api.given.phone(of: child.id)
            let path = "/v1/groups/\(other.id)/travellers/\(child.id)/consents"
            let yes = ConsentRequest(purpose: .photos, textVersion: "1", isGiven: true)
            #expect(try await api.post(path, yes, as: stage.stay.organiser).status == 204)
            let photo = try await stage.photo()

            for path in [stage.album, "/v1/photos/\(photo.id)", "/v1/photos/\(photo.id)/pictures/256"] {
                #expect(try await api.get(path, as: phone).status == 404)
            }
        }
    }

    @Test func `A child hides a photo that pictures it`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let child = try await api.given.child(of: stage.stay.group, guardian: stage.stay.organiser)
            let phone = try await api.given.phone(of: child.id)
            try await consent(true, for: child, stage)
            let photo = try await stage.photo()
            let path = "/v1/photos/\(photo.id)/objection"

            #expect(try await api.change("PUT", path, ObjectionRequest(isObjecting: true), as: phone).status == 204)

            #expect(try await api.get("/v1/photos/\(photo.id)", as: stage.stay.organiser).status == 404)
        }
    }
}
