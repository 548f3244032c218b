import ArgumentParser

/// How the program ends. Wrong usage ends with 64, which the argument parser sees to.
enum Ending: Int32 {
    /// Done, or nothing to do.
    case done = 0
    case error = 1
    /// `plan --detailed-exitcode`: there are changes.
    case changes = 2
    /// A stale plan, a hazard that was not accepted, a lock that is not free.
    case refused = 3
    /// An apply stopped part-way.
    case stopped = 4

    var exitCode: ExitCode { ExitCode(rawValue) }
}

/// Why a command ends early: lines for people, and the exit code.
struct Failure: Error {
    var ending: Ending
    /// Each names the object, what was seen, what was expected and the next thing to do.
    var lines: [String]

    init(_ lines: [String], ending: Ending = .error) {
        self.ending = ending
        self.lines = lines
    }
    init(_ line: String, ending: Ending = .error) { self.init([line], ending: ending) }
}
