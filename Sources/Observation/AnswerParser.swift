package import Cluster
package import Effects

/// Makes values of what servers answered. A simulation, in which most answers are one that was read
/// before, gives the observer one that remembers.
package protocol AnswerParser: Sendable {
    func node(
        _ name: NodeName, _ result: CommandResult, for request: ProbeRequest
    ) throws(ProbeFailure) -> ObservedNode
    func web(_ answer: WebAnswer, to kind: Question.Kind) -> ParsedAnswer
}

extension AnswerParser where Self == PlainParser {
    package static var plain: PlainParser { PlainParser() }
}

/// What an answer over HTTP says.
package struct ParsedAnswer: Sendable {
    package var content: Result<AnswerContent, AnswerProblem>
    /// By which name the member that answered knows itself, where it says so.
    package var name: MemberName?
}

package enum AnswerContent: Sendable {
    case member(PatroniMember)
    case view(ClusterView)
    case history([LeaderTerm])
    case configuration(JSONValue)
    case isEtcdHealthy(Bool)
    case etcdMembers([EtcdPeer])
    case etcdStatus(EtcdAnswer.Status)
    case servers([ProxyServer])
}

/// Reads every answer anew.
package struct PlainParser: AnswerParser {
    package init() {}

    package func node(
        _ name: NodeName, _ result: CommandResult, for request: ProbeRequest
    ) throws(ProbeFailure) -> ObservedNode { try NodeProbe.parse(result, for: request) }

    package func web(_ answer: WebAnswer, to kind: Question.Kind) -> ParsedAnswer {
        var name: MemberName?
        let content = Result { () throws(AnswerProblem) -> AnswerContent in
            let body = answer.body
            switch kind {
            case .member:
                let own = try PatroniAnswer.Own(body)
                name = own.name
                return .member(try own.member(date: answer.date))
            case .cluster: return .view(try PatroniAnswer.cluster(body))
            case .history: return .history(try PatroniAnswer.history(body))
            case .configuration: return .configuration(try PatroniAnswer.configuration(body))
            case .etcdHealth: return .isEtcdHealthy(try EtcdAnswer.isHealthy(body))
            case .etcdMembers: return .etcdMembers(try EtcdAnswer.members(body))
            case .etcdStatus: return .etcdStatus(try EtcdAnswer.status(body))
            case .proxy: return .servers(try ProxyAnswer.servers(body))
            }
        }
        return ParsedAnswer(content: content, name: name)
    }
}
