/// What every script starts with.
///
/// The scripts are for `dash`, `busybox sh` and `bash` alike. A failing command ends them with its
/// status; messages are in English, for people; and docker is found where sudo or a bare SSH
/// session leaves its directory out of the path.
enum Prelude {
    static let text = """
        set -eu
        LC_ALL=C
        PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
        export LC_ALL PATH

        """
}

extension Script {
    init(preluded text: String, input: Input = .none, limit: Duration) {
        self.init(Prelude.text + text, input: input, limit: limit)
    }
}
