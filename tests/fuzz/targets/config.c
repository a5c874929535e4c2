/*
 * Configuration texts: whatever comes, it is accepted or refused with a reason, nothing leaks, and what was
 * accepted reads back the same after it was printed; with a password in it, it is refused for what hides that.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *dumped(const struct config *config)
{
	char *out = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&out, &n);

	if (!file)
		abort();
	config_dump(config, file);
	fclose(file);
	return out;
}

static void check_lines(const struct config_strings *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		for (const char *p = lines->items[i]; *p; p++)
			assert((unsigned char)*p >= ' ');
}

static void check_round_trip(const struct config *config)
{
	struct config_report report = { .out_of_memory = false };
	char *once = dumped(config);
	struct config *again = config_parse_text("again", span_str(once), NULL, &report);
	bool has_password = config->parent.password && config->parent.password[0];

	assert(has_password == !again);
	char *twice = again ? dumped(again) : NULL;
	assert(!twice || strcmp(once, twice) == 0);
	free(twice);
	free(once);
	config_free(again);
	config_report_fini(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const void *bytes = data;
	struct config_report report = { .out_of_memory = false };

	/* Includes would read files of the machine. */
	if (size > 4096 || memmem(bytes, size, "include", 7))
		return 0;
	struct config *config = config_parse_text("fuzz", span_of(bytes, size), NULL, &report);
	assert((config == NULL) == (report.errors.count > 0));
	check_lines(&report.errors);
	check_lines(&report.warnings);
	if (config)
		check_round_trip(config);
	config_free(config);
	config_report_fini(&report);
	return 0;
}
