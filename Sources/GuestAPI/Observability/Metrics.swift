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
    }

    /// Upper bounds in seconds.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
    private let state = Mutex(State())

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

    /// - Parameter outcome: `done`, `failed` or `dead`.
    func worked(_ kind: String, _ outcome: String) {
        state.withLock { $0.jobs[kind, default: [:]][outcome, default: 0] += 1 }
    }

    /// - Parameter gauges: what is true now, by name.
    func text(gauges: [(name: String, value: Int)]) -> String {
        let (requests, jobs) = state.withLock { ($0.requests, $0.jobs) }
        var lines = ["# TYPE voorpret_request_seconds histogram"]
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
        lines.append("# TYPE voorpret_jobs_total counter")
        for (kind, outcomes) in jobs.sorted(by: { $0.key < $1.key }) {
            for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) {
                lines.append("voorpret_jobs_total{kind=\"\(kind)\",outcome=\"\(outcome)\"} \(count)")
            }
        }
        for gauge in gauges {
            lines.append("# TYPE \(gauge.name) gauge")
            lines.append("\(gauge.name) \(gauge.value)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
