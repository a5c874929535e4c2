/*
 * Users and their password hashes: reading the file, finding a user.
 */
#include "config/users.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/password.h"
#include "config/copy.h"
#include "config/report.h"
#include "config/text.h"

enum { WHERE_BYTES = 512 };

const char *user_name_fault(struct span name)
{
	if (name.n == 0 || name.n > USER_NAME_MAX)
		return "a user's name has 1 to 64 bytes";
	if (name.p[0] == '#' || name.p[0] == ' ' || name.p[name.n - 1] == ' ')
		return "a user's name neither begins with # or a blank nor ends with a blank";
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == ':' || (unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return "a user's name holds no colon and no control character";
	return NULL;
}

/* NULL, or why the line is wrong. */
static const char *add_line(struct users *u, struct span line)
{
	size_t colon = span_find(line, ':');
	struct span name = span_first(line, colon);
	const char *why = colon < line.n ? user_name_fault(name) : "a line is a user's name, a colon and a password's hash";

	if (why)
		return why;
	struct user *items = realloc(u->items, (u->count + 1) * sizeof(*items));
	if (!items)
		return "memory is out";
	u->items = items;
	struct user *user = &items[u->count++];
	user->name = text_copy(name);
	user->hash = text_copy(span_trim(span_from(line, colon + 1)));
	if (!user->name || !user->hash)
		return "memory is out";
	if (strlen(user->hash) < span_trim(span_from(line, colon + 1)).n)
		return "there is a NUL byte in the line";
	return password_hash_fault(user->hash);
}

static int by_name(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void check_twice(const struct users *u, const char *path, struct config_report *report)
{
	for (size_t i = 1; i < u->count; i++)
		if (strcmp(u->items[i - 1].name, u->items[i].name) == 0)
			report_error(report, path, "the user \"%s\" is there twice", u->items[i].name);
}

struct users *users_parse(const char *path, struct span text, struct config_report *report)
{
	struct users *u = calloc(1, sizeof(*u));
	size_t errors = report->errors.count;
	char where[WHERE_BYTES];
	unsigned number = 0;

	if (!u) {
		report->out_of_memory = true;
		return NULL;
	}
	while (text.n) {
		struct span line = span_first(text, span_find(text, '\n'));

		text = span_from(text, line.n + 1);
		number++;
		line = span_first(line, span_find(line, '\r'));
		if (!span_trim(line).n || line.p[0] == '#')
			continue;
		const char *why = add_line(u, line);
		if (!why)
			continue;
		snprintf(where, sizeof(where), "%.480s:%u", path, number);
		report_error(report, where, "%s", why);
	}
	if (errors == report->errors.count) {
		if (u->count)
			qsort(u->items, u->count, sizeof(*u->items), by_name);
		check_twice(u, path, report);
	}
	if (errors == report->errors.count && !report->out_of_memory)
		return u;
	users_free(u);
	return NULL;
}

/* Whoever can read hashes can try passwords at leisure; whoever can write them is a user.  A group may read: the service's. */
static bool is_private(const char *path, const char *where, struct config_report *report)
{
	struct stat s;

	if (stat(path, &s) != 0) {
		report_error(report, where, "proxy-users: cannot read %s: %s", path, strerror(errno));
		return false;
	}
	if (!(s.st_mode & (S_IWGRP | S_IRWXO)))
		return true;
	report_error(report, where,
		     "proxy-users: %s has mode %04o: others must not read it, nor its group change it (chmod 0640 or 0600)", path,
		     (unsigned)(s.st_mode & 07777));
	return false;
}

struct users *users_load(const char *path, const char *where, struct config_report *report)
{
	const char *why = NULL;
	size_t n = 0;
	char *text = is_private(path, where, report) ? text_read(path, true, &n, &why) : NULL;
	struct users *u = NULL;

	if (text)
		u = users_parse(path, span_of(text, n), report);
	else if (why)
		report_error(report, where, "proxy-users: cannot read %s: %s", path, why);
	free(text);
	return u;
}

void users_free(struct users *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->count; i++) {
		free(u->items[i].name);
		free(u->items[i].hash);
	}
	free(u->items);
	free(u);
}

const struct user *users_find(const struct users *u, struct span name)
{
	size_t from = 0, to = u->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		struct span there = span_str(u->items[middle].name);
		size_t n = there.n < name.n ? there.n : name.n;
		int order = n ? memcmp(name.p, there.p, n) : 0;

		if (order == 0 && name.n == there.n)
			return &u->items[middle];
		if (order < 0 || (order == 0 && name.n < there.n))
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}
