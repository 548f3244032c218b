import Adapters
import Glibc
import LibCrypto
import SSHConfiguration

/// Who runs the program, for locks and histories.
enum Person {
    static var name: String {
        let facts = SSHUser.current().facts
        return "\(facts.userName)@\(facts.hostName)"
    }

    static var process: Int { Int(getpid()) }

    /// Who set off the pipeline that this is part of, where it says so.
    static var actor: String? {
        first(of: [
            "MATRIARCH_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_BUILD_CREATOR",
            "CIRCLE_USERNAME", "BUILD_REQUESTEDFOR", "CI_COMMIT_AUTHOR",
        ])
    }

    /// The commit of the repository that holds the manifest; else the one that a pipeline works on,
    /// where it says so.
    ///
    /// - Parameter folder: the manifest's.
    static func commit(in folder: String) -> String? {
        first(of: ["MATRIARCH_COMMIT"]) ?? Repository(around: folder)?.commit
            ?? first(of: [
                "GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT",
                "BUILD_SOURCEVERSION", "BUILD_VCS_NUMBER",
            ])
    }

    private static func first(of variables: [String]) -> String? {
        variables.lazy.compactMap(Console.variable).first { !$0.isEmpty }
            .map { String($0.prefix(200)) }
    }
}

/// A moment by this machine's clock, in seconds since the epoch.
struct Moment {
    private let seconds: Int

    static var now: Moment { Moment(seconds: time(nil)) }

    /// A name for what begins now, that nothing else has: `20261124T152001Z-1f9a3c0b`.
    static func identifier() throws -> String {
        let time = now.text.filter { $0 != "-" && $0 != ":" }
        return "\(time)-\(Hexadecimal.text(try randomBytes(4)))"
    }

    /// `2026-11-24T15:20:01Z`
    var text: String {
        func digits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        // Howard Hinnant's days → civil date, with years that begin in March.
        let days = seconds / 86_400 + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let rest = seconds % 86_400
        return "\(year)-\(digits(month))-\(digits(day))T\(digits(rest / 3600)):"
            + "\(digits(rest / 60 % 60)):\(digits(rest % 60))Z"
    }
}

/// Bytes as people and files write them.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
