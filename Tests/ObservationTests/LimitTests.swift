import Cluster
import Effects
import Testing

@testable import Observation

@Suite("Limits on what servers answer")
struct LimitTests {
    private let huge = [UInt8](repeating: UInt8(ascii: " "), count: JSONText.maximumBytes + 1)

    @Test("an answer beyond 16 MiB is refused before it is read, by every reader of JSON")
    func length() {
        #expect(throws: JSONText.Problem.tooLong(limit: 16 << 20)) {
            try JSONText.value(of: huge)
        }
        func expectRefusal(_ asked: String, _ read: () throws(AnswerProblem) -> Void) {
            #expect(
                throws: AnswerProblem(
                    asked: asked, seen: "“\(String(repeating: " ", count: 80))…”",
                    expected: "at most 16MiB"), performing: read)
        }
        expectRefusal("GET /patroni") { () throws(AnswerProblem) in
            _ = try PatroniAnswer.member(huge, date: nil)
        }
        expectRefusal("GET /cluster") { () throws(AnswerProblem) in
            _ = try PatroniAnswer.cluster(huge)
        }
        expectRefusal("GET /config") { () throws(AnswerProblem) in
            _ = try PatroniAnswer.configuration(huge)
        }
        expectRefusal("etcd's member list") { () throws(AnswerProblem) in
            _ = try EtcdAnswer.members(huge)
        }
        expectRefusal("etcd's status") { () throws(AnswerProblem) in
            _ = try EtcdAnswer.status(huge)
        }
    }

    @Test("HAProxy's table beyond 4 MiB is refused")
    func table() {
        #expect(
            throws: AnswerProblem(
                asked: "HAProxy's statistics", seen: "“\(String(repeating: " ", count: 80))…”",
                expected: "at most 4MiB")
        ) { try ProxyAnswer.servers(huge) }
    }

    @Test("a probe's answer beyond 32 MiB is refused, and so are headers without end")
    func probe() {
        let request = ProbeRequest(project: Project(name: "crm", directory: "/opt/crm"))
        #expect(throws: ProbeFailure.tooLarge("the probe's answer", limit: .mebibytes(32))) {
            try NodeProbe.parse(
                CommandResult(
                    status: .exited(0), output: [UInt8](repeating: 0, count: (32 << 20) + 1),
                    errors: []), for: request)
        }
        func headers(_ text: String) -> HTTPStream.Problem? {
            var stream = HTTPStream(Array(text.utf8), from: 0)
            do throws(HTTPStream.Problem) {
                _ = try stream.next()
                return nil
            } catch { return error }
        }
        let many = (0...100).map { "H\($0): x\r\n" }.joined()
        #expect(headers("HTTP/1.1 200 OK\r\n\(many)\r\n") == .malformed("HTTP headers"))
        let long = String(repeating: "x", count: 1 << 16)
        #expect(headers("HTTP/1.1 200 OK\r\nH: \(long)\r\n\r\n") == .truncated)
    }
}
