import Reporting

/// A plan's JSON that somebody reviewed: a plan, or a reason for people.
enum ReviewedPlanPromises {
    static func check(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let first = try read(text)
        try promise(try read(text) == first, "two readings of the same plan differ")
    }

    private static func read(_ text: String) throws -> [ReviewedPlan]? {
        do throws(UnreadableFile) {
            return try ReviewedPlan.all(json: text)
        } catch {
            try promise(error.text.isFitForPeople, "control characters: \(error.text)")
            return nil
        }
    }
}
