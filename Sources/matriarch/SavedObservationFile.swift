import Cluster
import LibCrypto
import Reporting

/// Observations in files: their keys and digests.
enum SavedObservationFile {
    static func text(of observed: Observed, cluster: ClusterName) throws -> String {
        let key = Hexadecimal.text(try randomBytes(32))
        let saved = SavedObservation(
            cluster: cluster, key: key, observed: observed, digest: digest(under: key))
        return try saved.json()
    }

    static func read(_ path: String) throws(Failure) -> SavedObservation {
        let text = String(decoding: try LocalFile.read(path), as: UTF8.self)
        do throws(UnreadableFile) {
            return try SavedObservation(json: text)
        } catch {
            throw Failure("\(path.safeForTerminal): \(error.text)")
        }
    }

    static func digest(under key: String) -> @Sendable (String) -> String {
        let key = Array(key.utf8)
        return { Hexadecimal.text(Digest.hmacSHA256(key: key, message: $0.utf8)) }
    }
}
