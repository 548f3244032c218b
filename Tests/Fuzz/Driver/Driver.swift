import FuzzProperties
import Glibc

// libFuzzer has the `main` of this program and calls these two. Nothing here decides anything:
// MATRIARCH_FUZZ_TARGET names the target, libFuzzer's own options do the rest.

private let target: FuzzTarget = {
    let name = unsafe getenv("MATRIARCH_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = FuzzTarget.named(name) else {
        let names = FuzzTarget.all.map(\.name).joined(separator: " ")
        fatalError("MATRIARCH_FUZZ_TARGET is \"\(name)\"; the targets: \(names)")
    }
    return target
}()

/// One input of the fuzzer's.
@_cdecl("LLVMFuzzerTestOneInput")
package func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    do {
        try target.check(bytes)
    } catch {
        fatalError("\(target.name): \(error)")
    }
    return 0
}
