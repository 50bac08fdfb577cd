import CVips
import Foundation
import GuestModels

/// Makes pictures of guests' files.
///
/// The process reads orders from the standard input, a line of JSON each, and answers in the same way.
///
/// The service starts it and trusts nothing in the files. A file that breaks the process costs one picture. The process
/// ends when its input does.
@main
enum PhotoWorker {
    static func main() throws {
        guard picture_limit(1 << 30, 128 << 20, 64) == 0, picture_start() == 0 else {
            throw Failed(description: "libvips does not start: \(String(cString: vips_error_buffer()))")
        }
        FileHandle.standardOutput.write(Data("\(Picture.ready)\n".utf8))
        while let line = readLine() {
            let order = try JSONDecoder().decode(Picture.Order.self, from: Data(line.utf8))
            guard picture_allow(60, 120) == 0 else { throw Failed(description: "the limits cannot be set") }
            let answer: Picture.Report
            do {
                answer = Picture.Report(try MakePicture(order).run())
            } catch {
                answer = Picture.Report(nil, fault: "\(error)")
            }
            guard picture_allow(0, 0) == 0 else { throw Failed(description: "the limits cannot be lifted") }
            FileHandle.standardOutput.write(try JSONEncoder().encode(answer) + Data("\n".utf8))
        }
    }

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }
}
