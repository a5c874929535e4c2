/*
 * accept4() that does not return as long as the file $STUCK_FILE is there, and says so by the file $STUCK_FILE.now.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int accept4(int fd, struct sockaddr *restrict at, socklen_t *restrict bytes, int flags)
{
	static int (*real)(int, struct sockaddr *, socklen_t *, int);
	const char *gate = getenv("STUCK_FILE");
	char now[4096];

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "accept4");
	while (gate && access(gate, F_OK) == 0) {
		snprintf(now, sizeof(now), "%s.now", gate);
		close(open(now, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		usleep(1000);
	}
	return real(fd, at, bytes, flags);
}
