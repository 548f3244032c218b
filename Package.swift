// swift-tools-version: 6.2
import PackageDescription

// One setting list for every Swift target: language mode 6 comes with the tools version.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// A Swift target and the tests that lock it.
func target(
    _ name: String, _ dependencies: [Target.Dependency] = [], testedWith: [Target.Dependency] = [],
    resources: [Resource] = [], excluding excluded: [String] = []
) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, swiftSettings: strict),
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.byName(name: name), "TestProcesses"] + dependencies + testedWith,
            exclude: excluded,
            resources: resources,
            swiftSettings: strict),
    ]
}

/// What a simulated world is made of: everything but the adapters, which it stands in for.
let simulation: [Target.Dependency] = [
    "Cluster", "Manifest", "Rendering", "Planning", "RemoteCommands", "Effects", "Observation",
    "Execution", "Reporting", .product(name: "ArgumentParser", package: "swift-argument-parser"),
]

let package = Package(
    name: "matriarch",
    products: [.executable(name: "matriarch", targets: ["matriarch"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // C libraries. `make deps` installs them.
        .systemLibrary(
            name: "CLibYAML", path: "Sources/CYAML", pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CSSH2", pkgConfig: "libssh2", providers: [.apt(["libssh2-1-dev"])]),
        .systemLibrary(
            name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CShims", dependencies: ["CSSH2", "CCurl"]),
    ]
        // One safe wrapper a library.
        + target("LibYAML", ["CLibYAML"])
        + target("LibCurl", ["CCurl", "CShims"], testedWith: ["TestWebServer"])
        + target("LibSSH2", ["CSSH2", "CShims"])
        + target("LibCrypto", ["CCrypto"])
        // The pure core.
        + target("Cluster")
        + target("Manifest", ["Cluster", "LibYAML"], resources: [.copy("Scenarios")])
        + target("Rendering", ["Cluster"], resources: [.copy("Golden")])
        + target(
            "Planning", ["Cluster", "Rendering"], testedWith: ["Observation"],
            excluding: ["Golden"])
        + target("RemoteCommands", ["Cluster"])
        + target("SSHConfiguration", ["Cluster", "LibCrypto"])
        // Effects, and those who use them.
        + target("Effects", ["Cluster", "RemoteCommands"])
        + target(
            "Observation", ["Cluster", "RemoteCommands", "Effects"],
            resources: [.copy("Fixtures")])
        + target(
            "Execution",
            ["Cluster", "Planning", "Rendering", "RemoteCommands", "Effects", "Observation"])
        // Pure again: events come in as values.
        + target("Reporting", ["Cluster", "Planning", "Execution", "LibCrypto"])
        // The edges.
        + target(
            "Adapters",
            [
                "Cluster", "Effects", "RemoteCommands", "SSHConfiguration", "LibSSH2", "LibCurl",
                "LibCrypto", "CShims",
            ], testedWith: ["TestWebServer", "TestSSHServer"])
        + [
            // Threads for tests that block them.
            .target(name: "TestProcesses", path: "Tests/TestProcesses", swiftSettings: strict),
            // A real sshd for tests, and a way to it that can be cut.
            .target(
                name: "TestSSHServer",
                dependencies: ["Adapters", "Cluster", "SSHConfiguration"],
                path: "Tests/TestSSHServer", swiftSettings: strict),
            // A misbehaving web server for tests.
            .target(
                name: "TestWebServer", path: "Tests/TestWebServer", exclude: ["server.py"],
                swiftSettings: strict),
            .executableTarget(
                name: "matriarch",
                dependencies: [
                    "Cluster", "Manifest", "Rendering", "Planning", "RemoteCommands", "Effects",
                    "Observation", "Execution", "Reporting", "Adapters", "SSHConfiguration",
                    "LibCrypto", "CShims",
                    .product(name: "ArgumentParser", package: "swift-argument-parser"),
                ],
                swiftSettings: strict),
            // The program as a process: streams, exit codes, files.
            .testTarget(
                name: "ProgramTests",
                dependencies: [
                    "matriarch", "Adapters", "Cluster", "Effects", "RemoteCommands", "Reporting",
                    "TestSSHServer", "TestProcesses", "TestWebServer",
                ],
                swiftSettings: strict),
            // Times the planner alone; `make bench` runs it.
            .executableTarget(
                name: "planning-bench", dependencies: ["Cluster", "Planning", "Rendering"],
                path: "Tests/Bench/PlanningBench", swiftSettings: strict),
            // The program against real servers. Needs the lab: `make lab-test`.
            .testTarget(
                name: "LabTests", dependencies: ["CLockstep"], exclude: ["ten-mistakes.yaml"],
                swiftSettings: strict),
            .target(name: "CLockstep", path: "Tests/Lab/CLockstep"),
            // What every parser promises of every input; and the kept inputs, held to it.
            .target(
                name: "FuzzProperties",
                dependencies: [
                    "Cluster", "Manifest", "Rendering", "Planning", "RemoteCommands", "Effects",
                    "Observation", "Execution", "Reporting", "SSHConfiguration",
                ],
                path: "Tests/Fuzz/Properties", swiftSettings: strict),
            .testTarget(
                name: "FuzzTests", dependencies: ["FuzzProperties"], swiftSettings: strict),
            // Plans performed in a simulated world, by seed: `make simulate`.
            .executableTarget(
                name: "simulate", dependencies: simulation, path: "Tests/Simulation",
                swiftSettings: strict),
            .testTarget(
                name: "SimulationTests", dependencies: ["simulate"] + simulation,
                swiftSettings: strict),
        ]
)

// Inputs made up by coverage. libFuzzer has its `main`: only `make fuzz` can link it.
if Context.environment["MATRIARCH_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzProperties"], path: "Tests/Fuzz/Driver",
            swiftSettings: strict))
}
