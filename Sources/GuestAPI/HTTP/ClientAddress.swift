import Foundation
import GuestModels
import HTTPTypes
import NIOCore
import Synchronization

/// The address of a client: an IPv4 address, or the first 64 bits of an IPv6 one, which is what one connection has.
struct ClientAddress: Hashable, Sendable {
    fileprivate let network: [UInt8]

    /// - Returns: nil for a text that is no address, with or without a port.
    init?(_ text: some StringProtocol) {
        guard let bytes = Self.bytes(text) else { return nil }
        self.init(bytes: bytes)
    }

    fileprivate init(bytes: [UInt8]) {
        network = bytes.count == 16 ? Array(bytes.prefix(8)) : bytes
    }

    /// Reads the bytes of an address from a text, with or without a port.
    ///
    /// Such a text is `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`. An IPv4 address in IPv6's
    /// notation counts as the IPv4 address.
    fileprivate static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var host = String(text)
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            host = String(host[host.index(after: host.startIndex)..<end])
        } else if host.count(where: { $0 == ":" }) == 1, let colon = host.firstIndex(of: ":") {
            host = String(host[..<colon])
        }
        guard let address = try? SocketAddress(ipAddress: host, port: 0) else { return nil }
        return bytes(address)
    }

    fileprivate static func bytes(_ address: SocketAddress) -> [UInt8]? {
        switch address {
        case .v4(let v4): return withUnsafeBytes(of: v4.address.sin_addr) { Array($0) }
        case .v6(let v6):
            let bytes = withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) }
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            return isMapped ? Array(bytes.suffix(4)) : bytes
        case .unixDomainSocket: return nil
        }
    }
}

/// The proxies that are trusted to name a client's address.
public struct TrustedProxies: Sendable {
    private let networks: [(bytes: [UInt8], bits: Int)]

    /// A list without proxies: the address of the connection is the client's address.
    public static let none = TrustedProxies(networks: [])

    private init(networks: [(bytes: [UInt8], bits: Int)]) {
        self.networks = networks
    }

    /// - Parameter list: addresses and networks, with commas between them: `127.0.0.1,10.0.0.0/8,::1`.
    public init(_ list: String) throws {
        networks = try list.split(separator: ",").map { item in
            let parts = item.trimmingCharacters(in: .whitespaces).split(separator: "/", maxSplits: 1)
            guard let bytes = parts.first.flatMap({ ClientAddress.bytes($0) }),
                let bits = parts.count > 1 ? Int(parts[1]) : bytes.count * 8, (0...bytes.count * 8).contains(bits)
            else { throw SettingsError(description: "VOORPRET_TRUSTED_PROXIES: '\(item)' is no address or network") }
            return (bytes, bits)
        }
    }

    private func contains(_ address: [UInt8]) -> Bool {
        networks.contains { network in
            guard network.bytes.count == address.count else { return false }
            return (0..<network.bits).allSatisfy { bit in
                let difference: UInt8 = network.bytes[bit / 8] ^ address[bit / 8]
                let mask: UInt8 = 0x80 >> (bit % 8)
                return difference & mask == 0
            }
        }
    }

    /// The client of a request: the nearest address that is no trusted proxy.
    ///
    /// A trusted proxy names its client in `X-Forwarded-For`, or in `Forwarded` (RFC 7239) if that header is absent.
    /// The headers of every other client are ignored. Everything before a text that is no address is ignored too.
    ///
    /// - Returns: nil if the connection has no address, such as a socket in the file system.
    func client(_ peer: SocketAddress?, _ headers: HTTPFields) -> ClientAddress? {
        guard var nearest = peer.flatMap({ ClientAddress.bytes($0) }) else { return nil }
        var chain = Self.chain(headers)
        while contains(nearest), let said = chain.popLast() {
            guard let address = ClientAddress.bytes(said) else { break }
            nearest = address
        }
        return ClientAddress(bytes: nearest)
    }

    private static func chain(_ headers: HTTPFields) -> [String] {
        let forwardedFor = headers[values: .forwardedFor]
        if !forwardedFor.isEmpty {
            return forwardedFor.flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }
        }
        return headers[values: .forwarded].flatMap { $0.split(separator: ",") }.map { element in
            let pairs = element.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            let node = pairs.first { $0.lowercased().hasPrefix("for=") }?.dropFirst(4) ?? ""
            return node.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        }
    }
}

/// Limits sign-ins of unknown devices from one address; the limit is wide enough for a park's Wi-Fi on an arrival day.
///
/// The counts are kept in the memory of this process. Each address has a store of tries that fills up again over time.
final class SignInLimit: Sendable {
    static let burst = 600.0
    static let perSecond = 2.0
    private static let maximumAddresses = 50_000

    /// The instant at which the store of each address is full again.
    private let full = Mutex<[ClientAddress: ContinuousClock.Instant]>([:])

    /// Takes one try from the store of an address.
    ///
    /// - Returns: false where the store is empty.
    func admit(_ address: ClientAddress?, at now: ContinuousClock.Instant = .now) -> Bool {
        guard let address else { return true }
        return full.withLock { full in
            let fullAt = max(full[address] ?? now, now) + .seconds(1 / Self.perSecond)
            guard fullAt - now <= .seconds(Self.burst / Self.perSecond) else { return false }
            if full.count >= Self.maximumAddresses {
                full = full.filter { $0.value > now }
                // Many addresses at once: forgetting them all costs less than keeping them.
                if full.count >= Self.maximumAddresses { full.removeAll() }
            }
            full[address] = fullAt
            return true
        }
    }
}

extension HTTPField.Name {
    fileprivate static let forwardedFor = HTTPField.Name(constant: "X-Forwarded-For")
    fileprivate static let forwarded = HTTPField.Name(constant: "Forwarded")
}
