#pragma once
#include <libssh2.h>
#include <stdint.h>

/// What the receive callback keeps for one session.
typedef struct {
    /// Bytes received so far: tells whether a call to libssh2 read the socket.
    uint64_t received;
} matriarch_ssh_traffic;

/// A session whose receive callback counts bytes in `traffic` and asks for TCP_QUICKACK whenever
/// the socket runs dry: sshd leaves Nagle on until a session starts, so a delayed ACK of ours would
/// cost some 40 ms a login. `traffic` must outlive the session.
LIBSSH2_SESSION *matriarch_ssh_session(matriarch_ssh_traffic *traffic);

/// Signs `data`: returns 0 with `*sig` allocated by malloc, LIBSSH2_ERROR_EAGAIN to be asked again,
/// or another code to give up.
typedef int (*matriarch_ssh_sign)(LIBSSH2_SESSION *session, unsigned char **sig, size_t *sig_len,
                                  const unsigned char *data, size_t data_len, void **context);

/// setsockopt(2) of an int.
int matriarch_set_option(int fd, int level, int name, int value);

/// The system's words for `code`, cut to `capacity`. Swift sees two versions of strerror_r.
void matriarch_describe_errno(int code, char *text, size_t capacity);
