/*
 * What the kernel knows of this process.  Asked for when somebody wants to see it, never else.
 */
#include "proxy/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/worker.h"

static uint64_t microseconds(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static void measure_memory(uint64_t out[METRIC_SLOTS])
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long all, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return;
	if (fscanf(f, "%lu %lu", &all, &resident) == 2) {
		out[METRIC_VIRTUAL] = all * page;
		out[METRIC_RESIDENT] = resident * page;
	}
	fclose(f);
}

static void count_descriptors(uint64_t out[METRIC_SLOTS])
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;
	uint64_t count = 0;

	if (!d)
		return;
	while ((entry = readdir(d)))
		count += entry->d_name[0] != '.';
	closedir(d);
	out[METRIC_OPEN_FDS] = count - 1; /* the directory's own */
}

void process_measure(const struct shared *shared, uint64_t out[METRIC_SLOTS])
{
	struct rusage used;
	struct rlimit limit;

	if (getrusage(RUSAGE_SELF, &used) == 0)
		out[METRIC_CPU] = microseconds(used.ru_utime) + microseconds(used.ru_stime);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		out[METRIC_MAX_FDS] = limit.rlim_cur;
	measure_memory(out);
	count_descriptors(out);
	out[METRIC_START_TIME] = (uint64_t)shared->started_us;
}
