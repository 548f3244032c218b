#include "terminal.h"
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int matriarch_terminal_columns(int descriptor) {
    struct winsize size = {0};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void matriarch_forbid_core_dumps(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    // A core_pattern that is a pipe ignores the limit; this keeps such a dump away too.
    prctl(PR_SET_DUMPABLE, 0);
}
