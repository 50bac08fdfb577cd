import Foundation
import Synchronization

/// Counters of this process in the Prometheus text format.
///
/// Labels are route names, never paths, so their number is bounded.
final class Metrics: Sendable {
    private struct Series {
        var count = 0
        var sum = 0.0
        var buckets: [Int]
    }

    private struct Label: Hashable {
        let route: String
        let status: Int
    }

    private struct State {
        var requests: [Label: Series] = [:]
        var jobs: [String: [String: Int]] = [:]
        var incidents: [Incident: Int] = [:]
        var contradictions = 0
    }

    /// The upper bounds of request times, in seconds; a phone may wait 25 seconds for news.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    private let state = Mutex(State())
    let startedAt = Date()

    func answered(_ route: String, status: Int, seconds: Double) {
        state.withLock { state in
            let label = Label(route: route, status: status)
            let empty = Series(buckets: Array(repeating: 0, count: Self.bounds.count))
            state.requests[label, default: empty].count += 1
            state.requests[label, default: empty].sum += seconds
            if let bucket = Self.bounds.firstIndex(where: { seconds <= $0 }) {
                state.requests[label, default: empty].buckets[bucket] += 1
            }
        }
    }

    /// Counts a job.
    ///
    /// - Parameter outcome: `done`, `failed`, `dead` or `lost`.
    func worked(_ kind: String, _ outcome: String) {
        state.withLock { $0.jobs[kind, default: [:]][outcome, default: 0] += 1 }
    }

    /// Incidents that may be attempts to break in.
    enum Incident: String, CaseIterable, Sendable {
        /// A sign-in code that was wrong, used up or too old.
        case codeWrong
        /// Somebody was held off because strangers have guessed or asked often for that address.
        case strangersHeldOff
        /// An unknown device was held off because many sign in from its address.
        case addressHeldOff
        /// Somebody used the code of an invitation that does not exist.
        case invitationGuessed
        /// A colleague's second factor was wrong.
        case factorWrong
        /// A refresh token was used again after its successor had been used: somebody has copied it.
        case tokenReused
    }

    /// Counts an unexpected error, if it is a contradiction in our own data or code.
    func met(_ error: any Error) {
        guard error.isContradiction else { return }
        state.withLock { $0.contradictions += 1 }
    }

    func happened(_ incident: Incident) {
        state.withLock { $0.incidents[incident, default: 0] += 1 }
    }

    /// One value at one moment.
    struct Gauge: Sendable {
        let name: String
        /// One sentence for whoever looks at it.
        let help: String
        let value: Int
        let labels: [String: String]

        init(_ name: String, _ help: String, _ value: Int, _ labels: [String: String] = [:]) {
            self.name = name
            self.help = help
            self.value = value
            self.labels = labels
        }
    }

    private static func head(_ name: String, _ type: String, _ help: String) -> [String] {
        ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
    }

    func text(gauges: [Gauge]) -> String {
        let (requests, jobs, incidents, contradictions) = state.withLock {
            ($0.requests, $0.jobs, $0.incidents, $0.contradictions)
        }
        var lines = Self.head(
            "voorpret_request_seconds",
            "histogram",
            "Requests by route and status, from the first byte of the body to the answer."
        )
        for (label, series) in requests.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }) {
            let labels = "route=\"\(label.route)\",status=\"\(label.status)\""
            var cumulative = 0
            for (bound, count) in zip(Self.bounds, series.buckets) {
                cumulative += count
                lines.append("voorpret_request_seconds_bucket{\(labels),le=\"\(bound)\"} \(cumulative)")
            }
            lines.append("voorpret_request_seconds_bucket{\(labels),le=\"+Inf\"} \(series.count)")
            lines.append("voorpret_request_seconds_sum{\(labels)} \(series.sum)")
            lines.append("voorpret_request_seconds_count{\(labels)} \(series.count)")
        }
        lines += Self.head("voorpret_jobs_total", "counter", "Jobs by kind and outcome: done, failed, dead.")
        for (kind, outcomes) in jobs.sorted(by: { $0.key < $1.key }) {
            for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) {
                lines.append("voorpret_jobs_total{kind=\"\(kind)\",outcome=\"\(outcome)\"} \(count)")
            }
        }
        lines += Self.head("voorpret_incidents_total", "counter", "Signs that somebody tries to get in who should not.")
        for incident in Incident.allCases {
            lines.append("voorpret_incidents_total{kind=\"\(incident.rawValue)\"} \(incidents[incident] ?? 0)")
        }
        lines += Self.head(
            "voorpret_contradictions_total",
            "counter",
            "Requests and jobs that failed because our own data contradict themselves."
        )
        lines.append("voorpret_contradictions_total \(contradictions)")
        // The text format wants all values of one name together, below the head of that name.
        for (name, family) in Dictionary(grouping: gauges, by: \.name).sorted(by: { $0.key < $1.key }) {
            lines += Self.head(name, "gauge", family[0].help)
            for gauge in family {
                let labels = gauge.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }
                lines.append("\(name)\(labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}") \(gauge.value)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
