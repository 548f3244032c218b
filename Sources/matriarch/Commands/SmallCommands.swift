import ArgumentParser

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.")

    func run() { Console.write("matriarch \(Version.text)\n") }
}

struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Print a completion script for a shell.",
        discussion: """
            bash: matriarch completions bash > ~/.local/share/bash-completion/completions/matriarch
            zsh:  matriarch completions zsh > a folder of $fpath, as _matriarch
            fish: matriarch completions fish > ~/.config/fish/completions/matriarch.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }
    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() {
        let known: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        Console.write(Matriarch.completionScript(for: known) + "\n")
    }
}
