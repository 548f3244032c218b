#define _GNU_SOURCE
#include "ssh.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static ssize_t receive(libssh2_socket_t fd, void *buffer, size_t length, int flags,
                       void **context) {
    ssize_t count = recv(fd, buffer, length, flags);
    int failure = errno;
    if (count > 0) ((matriarch_ssh_traffic *)*context)->received += (uint64_t)count;
#ifdef TCP_QUICKACK
    if (count < 0 && (failure == EAGAIN || failure == EWOULDBLOCK))
        matriarch_set_option(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
#endif
    return count < 0 ? -failure : count;
}

LIBSSH2_SESSION *matriarch_ssh_session(matriarch_ssh_traffic *traffic) {
    LIBSSH2_SESSION *session = libssh2_session_init_ex(0, 0, 0, traffic);
    if (!session) return 0;
#if LIBSSH2_VERSION_NUM >= 0x010b00
    libssh2_session_callback_set2(session, LIBSSH2_CALLBACK_RECV,
                                  (libssh2_cb_generic *)receive);
#else
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)receive);
#endif
    return session;
}

int matriarch_set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value);
}

void matriarch_describe_errno(int code, char *text, size_t capacity) {
    char room[128];
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
    snprintf(text, capacity, "%s", strerror_r(code, room, sizeof room));
#else
    if (strerror_r(code, room, sizeof room)) snprintf(room, sizeof room, "error %d", code);
    snprintf(text, capacity, "%s", room);
#endif
}
