/*
 * Counts the calls to malloc, calloc and realloc of the process that preloads it.
 *
 * The count lives in the file named by MALLOC_COUNT_FILE, mapped shared, so that a test can read it while the
 * process runs.  Nothing else changes: the calls go on to the C library.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static _Atomic uint64_t before_start;
static _Atomic uint64_t *calls = &before_start;

__attribute__((constructor)) static void count_in_file(void)
{
	const char *path = getenv("MALLOC_COUNT_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *page = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		calls = page;
	close(fd);
}

void *malloc(size_t size)
{
	atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
	return __libc_realloc(old, size);
}
