import Foundation

/// Measurements of this process by the operating system, named as in Prometheus' own libraries.
enum ProcessGauges {
    /// The gauges of this process; a system without `/proc` tells neither memory nor open files.
    static func all(since start: Date) -> [Metrics.Gauge] {
        var gauges: [Metrics.Gauge] = [
            .init(
                "process_start_time_seconds",
                "When the process began, in seconds since 1970.",
                Int(start.timeIntervalSince1970)
            )
        ]
        if let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        {
            let bytes = pages * Int(sysconf(Int32(_SC_PAGESIZE)))
            gauges.append(.init("process_resident_memory_bytes", "Memory that the process has.", bytes))
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            gauges.append(.init("process_open_fds", "Open files and sockets.", open))
        }
        return gauges
    }
}
