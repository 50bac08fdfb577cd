import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes of parks, for everybody and for the staff who run them.
enum ParkRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listParks": listParks, "showPark": showPark, "showMap": showMap, "searchPark": searchPark,
        "searchAllParks": searchAllParks, "createPark": createPark, "changePark": changePark,
        "createCottageType": createCottageType, "changeCottageType": changeCottageType,
        "createCottage": createCottage, "changeCottage": changeCottage, "listRates": listRates,
        "createRate": createRate, "changeRate": changeRate, "deleteRate": deleteRate,
        "listClosures": listClosures, "closeCottage": closeCottage, "reopenCottage": reopenCottage,
        "listAudit": listAudit,
    ]

    private static func listParks(_ call: Call) async throws -> Answer {
        let parks = try await call.read { try await Park.list(in: call.language, $0) }
        return try .json(Page(items: parks, next: nil)).tagged(for: call)
    }

    private static func showPark(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.park)
        return try await .json(call.read { try await Park.show(id, in: call.language, $0) }).tagged(for: call)
    }

    private static func showMap(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.parkMap)
        var query = QueryReader(call)
        let stay = query.stay("from", "to")
        try query.finish()
        guard let stay else { throw BadRequest("?from", "is missing") }
        var answer = try Answer.json(await call.read { try await ParkMap.show(id, stay, $0) })
        answer.headers.removeAll { $0.name == .contentType }
        answer.headers.append(.init(name: .contentType, value: "application/geo+json"))
        return answer.tagged(for: call)
    }

    private static func searchPark(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.parkAvailability)
        var query = QueryReader(call)
        let search = try AvailabilitySearch(&query)
        return try .json(await call.read { try await Availability.search(search, park: id, $0) })
    }

    private static func searchAllParks(_ call: Call) async throws -> Answer {
        var query = QueryReader(call)
        let search = try AvailabilitySearch(&query)
        let found = try await call.read { try await Availability.searchAll(search, $0) }
        return try .json(Page(items: found, next: nil))
    }

    private static func createPark(_ call: Call) async throws -> Answer {
        let request = try call.body(ParkRequest.self)
        return try await call.write { act in
            let park = try await Park.create(request, act)
            return try .json(park, .created, version: park.version)
        }
    }

    private static func changePark(_ call: Call) async throws -> Answer {
        let request = try call.body(ParkRequest.self)
        let id = try call.path(Paths.adminPark)
        let version = try call.expectedVersion()
        return try await call.write { act in
            let park = try await Park.change(id, to: request, expecting: version, act)
            return try .json(park, version: park.version)
        }
    }

    private static func createCottageType(_ call: Call) async throws -> Answer {
        let request = try call.body(CottageTypeRequest.self)
        let park = try call.path(Paths.adminParkCottageTypes)
        return try await call.write { act in
            let type = try await CottageType.create(request, park: park, act)
            return try .json(type, .created, version: type.version)
        }
    }

    private static func changeCottageType(_ call: Call) async throws -> Answer {
        let request = try call.body(CottageTypeRequest.self)
        let id = try call.path(Paths.adminCottageType)
        let version = try call.expectedVersion()
        return try await call.write { act in
            let type = try await CottageType.change(id, to: request, expecting: version, act)
            return try .json(type, version: type.version)
        }
    }

    private static func createCottage(_ call: Call) async throws -> Answer {
        let request = try call.body(CottageRequest.self)
        let park = try call.path(Paths.adminParkCottages)
        return try await call.write { act in
            let cottage = try await Cottage.create(request, park: park, act)
            return try .json(cottage, .created, version: cottage.version)
        }
    }

    private static func changeCottage(_ call: Call) async throws -> Answer {
        let request = try call.body(CottageRequest.self)
        let id = try call.path(Paths.adminCottage)
        let version = try call.expectedVersion()
        return try await call.write { act in
            let cottage = try await Cottage.change(id, to: request, expecting: version, act)
            return try .json(cottage, version: cottage.version)
        }
    }

    private static func listRates(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminCottageTypeRates)
        let rates = try await call.read { try await Rate.list(of: id, $0) }
        return try .json(Page(items: rates, next: nil))
    }

    private static func createRate(_ call: Call) async throws -> Answer {
        let request = try call.body(RateRequest.self)
        let type = try call.path(Paths.adminCottageTypeRates)
        return try await call.write { act in
            let rate = try await Rate.create(request, type: type, act)
            return try .json(rate, .created, version: rate.version)
        }
    }

    private static func changeRate(_ call: Call) async throws -> Answer {
        let request = try call.body(RateRequest.self)
        let id = try call.path(Paths.adminRate)
        let version = try call.expectedVersion()
        return try await call.write { act in
            let rate = try await Rate.change(id, to: request, expecting: version, act)
            return try .json(rate, version: rate.version)
        }
    }

    private static func deleteRate(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminRate)
        return try await call.write { act in
            try await Rate.delete(id, act)
            return .noContent
        }
    }

    private static func listClosures(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkClosures)
        let closures = try await call.read { try await Closure.list(at: park, $0) }
        return try .json(Page(items: closures, next: nil))
    }

    private static func closeCottage(_ call: Call) async throws -> Answer {
        let request = try call.body(ClosureRequest.self)
        let cottage = try call.path(Paths.adminCottageClosures)
        return try await call.write { act in
            try .json(
                await Closure.close(cottage, request, act),
                .created
            )
        }
    }

    private static func reopenCottage(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminClosure)
        return try await call.write { act in
            try await Closure.reopen(id, act)
            return .noContent
        }
    }

    private static func listAudit(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkAudit)
        var query = QueryReader(call)
        let limit = query.int("limit", 1...200, default: 50)
        let cursor = query.optional("cursor", as: Identifier<Park>.self, "must be a cursor of this list")
        try query.finish()
        let page = try await call.read { try await Park.audit(of: park, before: cursor?.uuid, limit: limit, $0) }
        return try .json(page)
    }
}
