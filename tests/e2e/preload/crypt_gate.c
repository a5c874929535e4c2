/*
 * Counts the calls to crypt_rn() of the process that preloads it, and holds them up while told to.
 *
 * Both numbers live in the file named by CRYPT_GATE_FILE, mapped shared: how many calls began, and whether they have to
 * wait.  The calls then go on to the C library.
 */
#include <crypt.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct gate {
	_Atomic uint64_t calls, closed;
};

static struct gate none;
static struct gate *gate = &none;
static char *(*real)(const char *, const char *, void *, int);

__attribute__((constructor)) static void gate_in_file(void)
{
	const char *path = getenv("CRYPT_GATE_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *found = dlsym(RTLD_NEXT, "crypt_rn");

	__builtin_memcpy(&real, &found, sizeof(real));
	if (fd < 0)
		return;
	void *page = mmap(NULL, sizeof(*gate), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		gate = page;
	close(fd);
}

char *crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
	atomic_fetch_add(&gate->calls, 1);
	while (atomic_load(&gate->closed))
		usleep(500);
	return real(phrase, setting, data, size);
}
