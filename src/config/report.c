/*
 * Collecting what loading has to say.
 */
#include "config/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 1024, LINES_MAX = 100 }; /* nobody reads more */

static void strings_fini(struct config_strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_strings){ NULL, 0 };
}

void config_report_fini(struct config_report *report)
{
	strings_fini(&report->errors);
	strings_fini(&report->warnings);
}

struct span report_quotable(struct span words, size_t max)
{
	size_t at = span_find(words, '@');

	return at < words.n && span_find(words, ':') < at ? SPAN("***") : span_first(words, max);
}

/* The file's words come back in messages; they must not forge lines. */
static void clean(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = '?';
}

static bool strings_add(struct config_strings *list, char *line)
{
	char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return false;
	list->items = items;
	items[list->count] = strdup(line);
	if (!items[list->count])
		return false;
	list->count++;
	return true;
}

static void add(struct config_report *report, struct config_strings *list, const char *where,
		const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void add(struct config_report *report, struct config_strings *list, const char *where,
		const char *format, va_list args)
{
	char message[LINE_MAX_BYTES], line[LINE_MAX_BYTES];

	if (list->count == LINES_MAX)
		return;
	vsnprintf(message, sizeof(message), format, args);
	int n = snprintf(line, sizeof(line), "%.200s: %s", where, message);
	if (n < 0)
		return;
	clean(line);
	if (!strings_add(list, line))
		report->out_of_memory = true;
}

void report_error(struct config_report *report, const char *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(report, &report->errors, where, format, args);
	va_end(args);
}

void report_warning(struct config_report *report, const char *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(report, &report->warnings, where, format, args);
	va_end(args);
}

bool report_failed(const struct config_report *report)
{
	return report->errors.count > 0 || report->out_of_memory;
}
