import Cluster
import Rendering

/// Where a container has its data, which has to be there again when it is made anew.
enum DataPlace {
    case at(VolumeMount.Source)
    /// Made anew it would begin with nothing: what was seen.
    case lost(String)

    private static let memberData = "/home/postgres/pgdata"

    static func memberMount(of container: ObservedContainer) -> VolumeMount? {
        container.mounts.first { $0.target == memberData }
    }

    /// A Spilo container has its data in the mount at `/home/postgres/pgdata`, and nowhere else.
    ///
    /// - Parameter wanted: what the manifest declares of it.
    static func ofMember(
        _ container: ObservedContainer, wanted: ContainerSpec?,
        digest: (@Sendable (String) -> String)?
    ) -> DataPlace {
        guard let mount = memberMount(of: container) else {
            return .lost("has no mount at \(memberData), \(mounts(of: container))")
        }
        let declared = Set(wanted?.mounts.map(\.target) ?? [])
        if let inner = container.mounts.first(where: {
            $0.target.hasPrefix(memberData + "/") && !declared.contains($0.target)
        }) {
            return .lost("has a part of its data in another mount, \(inner)")
        }
        let places = ["PGROOT": memberData + "/pgroot", "PGDATA": memberData + "/pgroot/data"]
        for (key, usual) in places.sorted(by: { $0.key < $1.key }) {
            let next = wanted?.environment[key]?.reveal() ?? usual
            if let shown = container.environment[key], !shown.matches(next, digest: digest) {
                return .lost("has its data where \(key) says, which is not \(next)")
            }
        }
        return .at(mount.source)
    }

    /// etcd has its data where `--data-dir`, or else `ETCD_DATA_DIR`, says; a volume can be mounted
    /// elsewhere only if it is that directory, not one above it.
    static func ofEtcd(
        _ container: ObservedContainer, digest: (@Sendable (String) -> String)?
    ) -> DataPlace {
        let flag = dataDirectory(in: container.command ?? [])
        let told = container.environment["ETCD_DATA_DIR"]
        let mount = container.mounts.first { mount in
            [mount.target, mount.target + "/"].contains { target in
                flag.map { $0 == target } ?? told?.matches(target, digest: digest) ?? false
            }
        }
        if let mount { return .at(mount.source) }
        let place = flag ?? (told == nil ? "the image's own directory" : "ETCD_DATA_DIR")
        return .lost("has its data in \(place), which is no mount; \(mounts(of: container))")
    }

    private static func dataDirectory(in command: [String]) -> String? {
        for (index, word) in command.enumerated() {
            if word.hasPrefix("--data-dir=") { return String(word.dropFirst(11)) }
            if word == "--data-dir", index + 1 < command.count { return command[index + 1] }
        }
        return nil
    }

    private static func mounts(of container: ObservedContainer) -> String {
        container.mounts.isEmpty
            ? "it has no volume"
            : "it has \(container.mounts.map(\.description).joined(separator: ", "))"
    }
}

extension Situation {
    /// Compose names a project's volumes PROJECT_NAME: one of any other name is not what our file
    /// names, so the next container would begin with a new and empty one.
    func refuseForeignVolumes(_ draft: inout Draft) {
        for (address, spec) in blueprint.containers.sorted(by: { $0.key < $1.key }) {
            guard case .present(let container, _) = standing(address) else { continue }
            for mount in spec.mounts {
                guard case .volume(let name) = mount.source,
                    container.foreignVolumes?.contains(name) == true,
                    container.mounts.contains(where: { $0.source == mount.source })
                else { continue }
                let wanted = "\(desired.project.name)_\(name)"
                draft.block(
                    address.description,
                    seen: "has its data in volume \(name), which is not one of project"
                        + " \(desired.project.name)",
                    expected: "its data in volume \(wanted), as compose names the project's",
                    remedy:
                        "Stop it, copy the data (docker volume create \(wanted); docker run --rm"
                        + " -v \(name):/from:ro -v \(wanted):/to --entrypoint cp"
                        + " \(desired.postgres.image.text) -a /from/. /to/), drop external: and name: of the volume from its compose"
                        + " file, start it with that, then plan again.")
            }
        }
    }

    /// Blocks the recreation of a container whose data would stay behind.
    func keepsData(_ address: ContainerAddress, _ draft: inout Draft) -> Bool {
        guard case .present(let container, _) = standing(address),
            let spec = blueprint.spec(address)
        else { return true }
        let place: DataPlace
        switch spec.role {
        case .etcd: place = .ofEtcd(container, digest: digest)
        case .postgres: place = .ofMember(container, wanted: spec, digest: digest)
        case .haproxy, .service: return true
        }
        guard case .lost(let seen) = place else { return true }
        let target = spec.mounts.first?.target ?? ""
        draft.block(
            address.description, seen: seen, expected: "a mount that is its data directory",
            remedy:
                "It has to be made anew, with its data at \(target). Stop it, move the data into"
                + " a volume of its own and start it by hand with that volume as its data"
                + " directory, then plan again.")
        return false
    }
}
