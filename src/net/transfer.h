/*
 * recv, send and sendmsg without being points where a thread may be cancelled, which the C library pays for with two
 * locked instructions a call; no thread of ours ever is.  Sanitizers watch the library's functions: theirs are used then.
 *
 * Results and errno as of the calls themselves.
 */
#ifndef FRESHET_NET_TRANSFER_H
#define FRESHET_NET_TRANSFER_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define TRANSFER_BY_LIBRARY
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRANSFER_BY_LIBRARY
#endif

#ifdef TRANSFER_BY_LIBRARY

static inline ssize_t transfer_recv(int fd, void *to, size_t n, int flags)
{
	return recv(fd, to, n, flags);
}

static inline ssize_t transfer_send(int fd, const void *from, size_t n, int flags)
{
	return send(fd, from, n, flags);
}

static inline ssize_t transfer_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return sendmsg(fd, m, flags);
}

#else

static inline ssize_t transfer_recv(int fd, void *to, size_t n, int flags)
{
	return syscall(SYS_recvfrom, fd, to, n, flags, NULL, NULL);
}

static inline ssize_t transfer_send(int fd, const void *from, size_t n, int flags)
{
	return syscall(SYS_sendto, fd, from, n, flags, NULL, 0);
}

static inline ssize_t transfer_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return syscall(SYS_sendmsg, fd, m, flags);
}

#endif

#endif
