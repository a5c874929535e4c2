/*
 * Makes calls of the process that preloads it fail, by a schedule that a test changes while the process runs.
 *
 * The schedule is the file named by FAULTS_FILE, mapped shared: 64-bit words, see `struct control`, which
 * harness/faults.py writes.  Whether the n-th call of a kind fails follows from the seed and n alone.
 *
 * What fails, fails as the kernel would have it: after an EAGAIN or a short count that the kernel did not give, the
 * descriptor's interest is set anew, so that epoll tells once more of what is there.  Otherwise an edge-triggered
 * reader would wait for an edge that has been.
 *
 * It also moves the clocks.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum fault_kind {
	FAULT_MALLOC,
	FAULT_ACCEPT,
	FAULT_CONNECT,
	FAULT_SOCKET,
	FAULT_PIPE,
	FAULT_EPOLL,
	FAULT_RECV,
	FAULT_RECV_SHORT,
	FAULT_SEND,
	FAULT_SEND_SHORT,
	FAULT_SPLICE,
	FAULT_WRITE, /* to files and pipes */
	FAULT_KINDS
};

struct fault {
	_Atomic uint64_t one_in; /* 0 never, 1 always */
	_Atomic uint64_t error;  /* errno */
	_Atomic uint64_t calls, hits;
};

/* Mirrored in harness/faults.py. */
struct control {
	_Atomic uint64_t on;                /* nothing below fails while this is 0 */
	_Atomic uint64_t seed;
	_Atomic uint64_t mallocs;           /* seen while on */
	_Atomic uint64_t malloc_fails_from; /* this one fails, counted from 1; 0 none */
	_Atomic uint64_t malloc_fails;      /* and so many in a row */
	_Atomic int64_t wall_us, monotonic_us; /* added to the clocks, also while off */
	_Atomic uint64_t unused;
	struct fault faults[FAULT_KINDS];
};

enum { FDS_MAX = 65536 };

static struct control never;
static struct control *control = &never;

/* What epoll was last told of a descriptor. */
static struct watched {
	int epoll_fd;
	struct epoll_event event;
} watched[FDS_MAX];

#define REAL(name) \
	static __typeof__(name) *real; \
	if (!real) \
		real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void map_control(void)
{
	const char *path = getenv("FAULTS_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *page = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		control = page;
	close(fd);
}

static uint64_t mix(uint64_t h)
{
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 32;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 29;
}

/* Whether this call is to fail; errno is then set. */
static int fails(enum fault_kind kind)
{
	struct fault *f = &control->faults[kind];
	uint64_t one_in = f->one_in;

	if (!control->on || !one_in)
		return 0;
	uint64_t n = ++f->calls;
	if (mix(mix(control->seed + (uint64_t)kind) + n) % one_in)
		return 0;
	f->hits++;
	errno = (int)f->error;
	return 1;
}

/* Epoll looks at the descriptor again, as if it had just been added. */
static void tell_again(int fd)
{
	int error = errno;

	if (fd >= 0 && fd < FDS_MAX && watched[fd].epoll_fd) {
		struct epoll_event event = watched[fd].event;

		REAL(epoll_ctl);
		real(watched[fd].epoll_fd, EPOLL_CTL_MOD, fd, &event);
	}
	errno = error;
}

static int is_stream(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

/* Memory */

static _Thread_local int spared __attribute__((tls_model("initial-exec")));

/* libconfuse aborts when it gets none, so freshet gives it no occasion (config/load.c), and neither do we. */
static int is_libconfuse(const void *caller)
{
	Dl_info info;

	return dladdr(caller, &info) && strstr(info.dli_fname, "libconfuse");
}

/* Allocates for it. */
FILE *fmemopen(void *buffer, size_t n, const char *mode)
{
	REAL(fmemopen);
	spared = is_libconfuse(__builtin_return_address(0));
	FILE *file = real(buffer, n, mode);
	spared = 0;
	return file;
}

static int malloc_fails(const void *caller)
{
	if (!control->on || spared)
		return 0;
	uint64_t n = ++control->mallocs, from = control->malloc_fails_from;
	if ((fails(FAULT_MALLOC) || (from && n >= from && n - from < control->malloc_fails)) && !is_libconfuse(caller)) {
		errno = ENOMEM;
		return 1;
	}
	return 0;
}

void *malloc(size_t size)
{
	REAL(malloc);
	return malloc_fails(__builtin_return_address(0)) ? NULL : real(size);
}

void *calloc(size_t count, size_t size)
{
	REAL(calloc);
	return malloc_fails(__builtin_return_address(0)) ? NULL : real(count, size);
}

void *realloc(void *old, size_t size)
{
	REAL(realloc);
	return malloc_fails(__builtin_return_address(0)) ? NULL : real(old, size);
}

char *strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	REAL(malloc);
	char *copy = malloc_fails(__builtin_return_address(0)) ? NULL : real(n);

	return copy ? memcpy(copy, text, n) : NULL;
}

/* Descriptors */

int accept4(int fd, struct sockaddr *address, socklen_t *n, int flags)
{
	REAL(accept4);
	return fails(FAULT_ACCEPT) ? -1 : real(fd, address, n, flags);
}

int socket(int domain, int type, int protocol)
{
	REAL(socket);
	return fails(FAULT_SOCKET) ? -1 : real(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t n)
{
	REAL(connect);
	return fails(FAULT_CONNECT) ? -1 : real(fd, address, n);
}

int pipe2(int fds[2], int flags)
{
	REAL(pipe2);
	return fails(FAULT_PIPE) ? -1 : real(fds, flags);
}

int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	REAL(epoll_ctl);
	if (op != EPOLL_CTL_DEL && fails(FAULT_EPOLL))
		return -1;
	int result = real(epoll_fd, op, fd, event);
	if (result == 0 && fd >= 0 && fd < FDS_MAX)
		watched[fd] = (struct watched){ .epoll_fd = op == EPOLL_CTL_DEL ? 0 : epoll_fd };
	if (result == 0 && fd >= 0 && fd < FDS_MAX && op != EPOLL_CTL_DEL)
		watched[fd].event = *event;
	return result;
}

int close(int fd)
{
	REAL(close);
	if (fd >= 0 && fd < FDS_MAX)
		watched[fd].epoll_fd = 0;
	return real(fd);
}

/* Bytes */

ssize_t recv(int fd, void *to, size_t n, int flags)
{
	REAL(recv);
	if (fails(FAULT_RECV)) {
		tell_again(fd);
		return -1;
	}
	if (n <= 1 || !control->on || !is_stream(fd) || !fails(FAULT_RECV_SHORT))
		return real(fd, to, n, flags);
	ssize_t got = real(fd, to, 1, flags);
	tell_again(fd);
	return got;
}

ssize_t send(int fd, const void *from, size_t n, int flags)
{
	REAL(send);
	if (fails(FAULT_SEND)) {
		tell_again(fd);
		return -1;
	}
	if (n <= 1 || !control->on || !is_stream(fd) || !fails(FAULT_SEND_SHORT))
		return real(fd, from, n, flags);
	ssize_t sent = real(fd, from, 1, flags);
	tell_again(fd);
	return sent;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	REAL(sendmsg);
	if (fails(FAULT_SEND)) {
		tell_again(fd);
		return -1;
	}
	if (!control->on || !is_stream(fd) || !message->msg_iovlen || !message->msg_iov[0].iov_len ||
		!fails(FAULT_SEND_SHORT))
		return real(fd, message, flags);
	struct iovec first = { .iov_base = message->msg_iov[0].iov_base, .iov_len = 1 };
	struct msghdr part = { .msg_iov = &first, .msg_iovlen = 1 };
	ssize_t sent = real(fd, &part, flags);
	tell_again(fd);
	return sent;
}

/* How the proxy makes the three above. */
long syscall(long number, ...)
{
	long a[6];
	va_list list;

	REAL(syscall);
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_recvfrom && !a[4])
		return recv((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3]);
	if (number == SYS_sendto && !a[4])
		return send((int)a[0], (const void *)a[1], (size_t)a[2], (int)a[3]);
	if (number == SYS_sendmsg)
		return sendmsg((int)a[0], (const struct msghdr *)a[1], (int)a[2]);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t splice(int from, off_t *from_at, int to, off_t *to_at, size_t n, unsigned flags)
{
	REAL(splice);
	if (!fails(FAULT_SPLICE))
		return real(from, from_at, to, to_at, n, flags);
	tell_again(from);
	tell_again(to);
	if (errno)
		return -1;
	return real(from, from_at, to, to_at, 1, flags); /* error 0: a short count */
}

ssize_t write(int fd, const void *from, size_t n)
{
	struct stat st;

	REAL(write);
	if (!control->on || fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)) || !fails(FAULT_WRITE))
		return real(fd, from, n);
	return errno ? -1 : real(fd, from, n > 1 ? n / 2 : n);
}

/* Clocks */

int clock_gettime(clockid_t id, struct timespec *t)
{
	REAL(clock_gettime);
	int result = real(id, t);
	int wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
	int64_t add_us = wall ? control->wall_us : id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE ||
		id == CLOCK_BOOTTIME ? control->monotonic_us : 0;

	if (result == 0 && add_us) {
		int64_t ns = t->tv_nsec + add_us % 1000000 * 1000;

		t->tv_sec += add_us / 1000000 + (ns < 0 ? -1 : ns >= 1000000000);
		t->tv_nsec = ns + (ns < 0 ? 1000000000 : ns >= 1000000000 ? -1000000000 : 0);
	}
	return result;
}

int gettimeofday(struct timeval *t, void *zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*t = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
