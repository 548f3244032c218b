import Foundation
import Testing

/// The tests are refused at once unless the lab is theirs: there is one on a machine, and what two
/// runs do to it together is a finding about neither.
struct OwnLab: TestTrait, SuiteTrait {
    /// Set by `scripts/with-lab`.
    private static let variable = "MATRIARCH_LAB_IS_OURS"

    var isRecursive: Bool { true }

    func prepare(for test: Test) async throws {
        guard !test.isSuite,
            ProcessInfo.processInfo.environment[Self.variable] == nil
        else { return }
        throw LabFailure(
            "these tests change the machine's one lab, which may be somebody's: run them by "
                + "`make lab-test`, or some of them by `scripts/with-lab swift test --filter …` "
                + "(in a lab that you have to yourself \(Self.variable)=1 does as well)")
    }
}

extension Trait where Self == OwnLab {
    static var ownLab: OwnLab { OwnLab() }
}
