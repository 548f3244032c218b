import Cluster
import Testing

@testable import Observation

@Suite struct DockerAnswerTests {
    private func containers(_ path: String, project: String) throws -> [ObservedContainer] {
        try (Fixture.json(path).array ?? []).compactMap {
            try DockerAnswer.container($0, project: project, image: nil)
        }
    }

    @Test("a member's container shows what was declared of it, and not what compose added")
    func member() throws {
        let all = try containers("lab1/inspect-all.json", project: "app")
        #expect(
            all.map(\.service.rawValue) == [
                "postgres-1", "postgres-2", "postgres-3", "etcd", "haproxy", "health",
            ])
        let member = all[0]
        #expect(member.state == .running && member.health == .healthy && member.exitCode == nil)
        #expect(member.managedBy == nil)
        #expect(member.hostname == "postgres-1")
        #expect(member.ports.map(\.description) == ["5435:5432", "8008:8008"])
        #expect(member.mounts.map(\.description) == ["pg1:/home/postgres/pgdata"])
        #expect(member.labels.keys.filter { $0.hasPrefix("com.docker") } == [])
        #expect(member.sharedMemory == .mebibytes(128))
        #expect(member.stopTimeout == 60)
        #expect(member.memory == nil && member.nanoCPUs == nil)
        #expect(member.address == "10.210.128.5")
        #expect(member.createdAt == 1_795_417_391 && member.startedAt == 1_795_417_391)
        #expect(member.healthCheck?.test.first == "CMD")
        #expect(member.healthCheck?.startPeriod == 60_000_000_000)
        #expect(member.environment["SCOPE"] == ObservedText("app-ha"))
        #expect(all[3].sharedMemory == nil)
    }

    @Test("a killed and a restarting container tell their exit codes")
    func dead() throws {
        let killed = try containers("lab1/inspect-killed-member.json", project: "app")
        #expect(killed.map(\.state) == [.exited])
        #expect(killed.map(\.exitCode) == [137])
        let restarting = try containers("restarting/inspect-postgres-1.json", project: "app")
        #expect(restarting.map(\.state) == [.restarting])
        #expect(restarting.map(\.restartCount) == [14])
    }

    @Test("what the image sets is not the container's own, unless the container changes it")
    func imageDefaults() throws {
        let image = DockerAnswer.imageDefaults(
            try JSONText.value(
                of: #"""
                    {"Config": {"Env": ["PATH=/bin", "LANG=C"], "Cmd": ["run"], "Entrypoint": ["e"],
                     "Labels": {"v": "1", "w": "2"},
                     "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5}}}
                    """#.utf8))
        func container(_ config: String) throws -> ObservedContainer {
            let json = try JSONText.value(
                of: #"""
                    {"Id": "abcdefabcdef00", "Image": "sha256:1", "State": {"Status": "running"},
                     "Config": {"Image": "i", "Hostname": "abcdefabcdef",
                      "Labels": {"com.docker.compose.project": "p", "v": "1", "w": "3", "x": "y",
                       "com.docker.compose.service": "s", "matriarch.cluster": "c"}, \#(config)}}
                    """#.utf8)
            return try #require(
                try DockerAnswer.container(json, project: "p", image: image))
        }
        let same = try container(
            #""Env": ["PATH=/bin", "LANG=D", "A=b=c", "BROKEN"], "Cmd": ["run"], "Entrypoint": ["e"],"#
                + #""Healthcheck": {"Test": ["CMD", "true"], "Interval": 5}"#)
        #expect(
            same.environment == ["LANG": ObservedText("D"), "A": ObservedText("b=c")])
        #expect(same.command == nil && same.healthCheck == nil)
        #expect(same.labels == ["w": "3", "x": "y"])
        #expect(same.managedBy == "c")
        #expect(same.hostname == "")
        let other = try container(#""Cmd": ["walk"], "Entrypoint": ["e"]"#)
        #expect(other.command == ["walk"])
        let entered = try container(#""Cmd": ["run"], "Entrypoint": ["/bin/sh", "-c"]"#)
        #expect(entered.command == ["/bin/sh", "-c", "run"])
    }

    @Test("what `compose run` left, and other projects' containers, are no services of the project")
    func others() throws {
        func labelled(_ labels: String) throws -> ObservedContainer? {
            try DockerAnswer.container(
                try JSONText.value(
                    of: (#"{"Id": "a", "Image": "i", "State": {"Status": "exited"}, "#
                        + #""Config": {"Image": "i", "Labels": {\#(labels)}}}"#).utf8),
                project: "p", image: nil)
        }
        let project = #""com.docker.compose.project": "p""#
        let service = #""com.docker.compose.service": "s""#
        #expect(try labelled("\(project), \(service)") != nil)
        #expect(
            try labelled(#"\#(project), \#(service), "com.docker.compose.oneoff": "True""#) == nil)
        #expect(try labelled(#""com.docker.compose.project": "q", \#(service)"#) == nil)
        #expect(try labelled(project) == nil)
    }

    @Test("ports, limits and mounts of every kind that docker writes")
    func kinds() throws {
        let json = try JSONText.value(
            of: #"""
                {"Id": "a", "Image": "i", "State": {"Status": "running"},
                 "Config": {"Image": "i", "Labels": {"com.docker.compose.project": "p",
                  "com.docker.compose.service": "s"}},
                 "HostConfig": {"Memory": 1073741824, "NanoCpus": 0, "CpuQuota": 150000,
                  "PortBindings": {"53/udp": [{"HostIp": "::1", "HostPort": "53"}],
                   "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"},
                              {"HostIp": "10.0.0.1", "HostPort": ""}],
                   "x/tcp": [{"HostPort": "1"}], "99999/tcp": [{"HostPort": "1"}], "81/tcp": null}},
                 "Mounts": [
                  {"Type": "volume", "Name": "p_data", "Destination": "/d", "RW": true},
                  {"Type": "volume", "Name": "external", "Destination": "/e", "RW": false},
                  {"Type": "volume", "Destination": "/anonymous", "RW": true, "Name":
                   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
                  {"Type": "bind", "Source": "/opt/p/haproxy", "Destination": "/h", "RW": false},
                  {"Type": "tmpfs", "Destination": "/t"}],
                 "NetworkSettings": {"Networks": {"a": {"IPAddress": "10.1.0.2"},
                  "p_default": {"IPAddress": "10.2.0.2"}}}}
                """#.utf8)
        let container = try #require(try DockerAnswer.container(json, project: "p", image: nil))
        #expect(
            container.ports.map(\.description) == ["[::1]:53:53/udp", "10.0.0.1:0:80", "8080:80"])
        #expect(
            container.mounts.map(\.description)
                == ["/opt/p/haproxy:/h:ro", "data:/d", "external:/e:ro"])
        #expect(container.foreignVolumes == ["external"])
        #expect(container.memory == .mebibytes(1024))
        #expect(container.nanoCPUs == 1_500_000_000)
        #expect(container.address == "10.2.0.2")
    }

    @Test("volumes are the project's by label, or by name when made by hand")
    func volumes() throws {
        let answer = try JSONText.value(
            of: #"""
                {"Volumes": [
                 {"Name": "p_a", "Labels": {"com.docker.compose.project": "p",
                  "com.docker.compose.volume": "a"}},
                 {"Name": "p_b", "Labels": null},
                 {"Name": "p_q_c", "Labels": {"com.docker.compose.project": "p_q",
                  "com.docker.compose.volume": "c"}},
                 {"Name": "named", "Labels": {"com.docker.compose.project": "p",
                  "com.docker.compose.volume": "d"}},
                 {"Name": "other", "Labels": {}}]}
                """#.utf8)
        #expect(DockerAnswer.volumes(answer, project: "p") == ["a", "b", "d"])
        #expect(
            DockerAnswer.volumes(try JSONText.value(of: #"{"Volumes": null}"#.utf8), project: "p")
                == [])
    }

    @Test("ports held by others leave out the project's own")
    func foreignPorts() throws {
        let list = try JSONText.value(
            of: #"""
                [{"Labels": {"com.docker.compose.project": "p"}, "Ports": [{"PublicPort": 1}]},
                 {"Labels": {}, "Ports": [{"PrivatePort": 9}, {"PublicPort": 80},
                  {"PublicPort": 80}, {"PublicPort": 70000}]},
                 {"Labels": {"com.docker.compose.project": "q"}, "Ports": [{"PublicPort": 22}]}]
                """#.utf8)
        #expect(DockerAnswer.foreignPorts(list, project: "p") == [22, 80])
    }

    @Test("a service's name that no compose file can have makes no service of the project")
    func hostileService() throws {
        let answer = try JSONText.value(
            of: Array(
                #"{"Id":"c1","Image":"i1","State":{"Status":"running"},"Config":{"Image":"x","#
                    .utf8)
                + Array(
                    (#""Labels":{"com.docker.compose.project":"crm","#
                        + #""com.docker.compose.service":"a\n  server evil 203.0.113.9:1"}}}"#)
                        .utf8))
        #expect(
            throws: AnswerProblem(
                asked: "docker's container of a service",
                seen: "“a·  server evil 203.0.113.9:1”",
                expected: "a service's name of letters, digits and . _ -")
        ) { try DockerAnswer.container(answer, project: "crm", image: nil) }
    }

    @Test("a container without what docker always says is an error that names its service")
    func incomplete() throws {
        let json = try JSONText.value(
            of: #"""
                {"Id": "a", "State": {"Status": "levitating"}, "Config": {"Labels":
                 {"com.docker.compose.project": "p", "com.docker.compose.service": "s"}}}
                """#.utf8)
        #expect(
            throws: AnswerProblem(
                asked: "docker's container of s",
                seen: AnswerProblem.excerpt(of: json.canonicalText.utf8),
                expected: "Id, State.Status, Config.Image and Image")
        ) { try DockerAnswer.container(json, project: "p", image: nil) }
    }
}
