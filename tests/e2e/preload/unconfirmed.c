/*
 * Makes the process that preloads it believe that its peers are far away: while the file named by UNCONFIRMED_FILE
 * exists, nothing that was sent is confirmed yet, and every round trip takes ten seconds.
 */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FAR_US = 10 * 1000 * 1000, MUCH = 1 << 20 };

int ioctl(int fd, unsigned long request, ...)
{
	const char *path = getenv("UNCONFIRMED_FILE");
	va_list args;

	va_start(args, request);
	int *out = va_arg(args, int *);
	va_end(args);
	if (request != SIOCOUTQ || !path || access(path, F_OK) != 0)
		return (int)syscall(SYS_ioctl, fd, request, out);
	*out = MUCH;
	return 0;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *n)
{
	int result = (int)syscall(SYS_getsockopt, fd, level, name, value, n);

	if (result == 0 && level == IPPROTO_TCP && name == TCP_INFO) {
		struct tcp_info *info = value;

		info->tcpi_rtt = FAR_US;
	}
	return result;
}
