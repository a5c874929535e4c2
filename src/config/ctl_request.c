/*
 * Words of `freshet ctl`, and the pages that stand for them.
 */
#include "config/ctl_request.h"

#include <stdio.h>

#include "config/option.h"
#include "config/report.h"

#define ACTIONS "show|mode|pierce|intercept|undo|flush"
#define SETTINGS "mode|pierce|intercept"
#define FLUSHES "dns|pools|learned|pierced|history|all"

/* Where it is written to, and what is wrong. */
struct reading {
	struct ctl_request *request;
	size_t n;     /* of the target so far */
	char *error;
	size_t error_bytes;
};

/* -- the target -- */

static void put(struct reading *r, const char *text)
{
	for (; *text && r->n < CTL_TARGET_BYTES; text++)
		r->request->target[r->n++] = *text;
}

static bool is_plain(char c)
{
	return ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '.' || c == '-';
}

static void put_escaped(struct reading *r, const char *text)
{
	char escaped[4];

	for (; *text; text++) {
		snprintf(escaped, sizeof(escaped), is_plain(*text) ? "%c" : "%%%02X", (unsigned char)*text);
		put(r, escaped);
	}
}

static void put_parameter(struct reading *r, const char *name, const char *value)
{
	put(r, name);
	put(r, "=");
	put_escaped(r, value);
}

/* -- words -- */

static bool is_among(const char *choices, const char *word)
{
	struct span choice;

	for (size_t i = 0; (choice = choice_word(choices, i)).n; i++)
		if (span_eq(choice, span_str(word)))
			return true;
	return false;
}

static bool wrong_usage(const struct reading *r, const char *usage)
{
	snprintf(r->error, r->error_bytes, "usage: freshet ctl %s", usage);
	return false;
}

/* `what` is what the word should be. */
static bool check_word(const struct reading *r, const char *what, const char *choices, const char *word)
{
	struct span near = choice_nearest(choices, span_str(word)), quoted = report_quotable(span_str(word), 60);

	if (is_among(choices, word))
		return true;
	if (near.n)
		snprintf(r->error, r->error_bytes, "ctl: there is no %s \"%.*s\"; did you mean %.*s?", what, SPAN_ARG(quoted), SPAN_ARG(near));
	else
		snprintf(r->error, r->error_bytes, "ctl: there is no %s \"%.*s\"; there are %s", what, SPAN_ARG(quoted), choices);
	return false;
}

/* -- what can be asked -- */

static bool read_show(struct reading *r, int count, char **words)
{
	if (count > 1)
		return wrong_usage(r, "show [HOST|URL]");
	put(r, count ? "/switches/applies?" : "/switches/state");
	if (count)
		put_parameter(r, "url", words[0]);
	return true;
}

static bool read_set(struct reading *r, const char *setting, int count, char **words)
{
	if ((count != 2 && count != 4) || (count == 4 && strcmp(words[2], "for") != 0))
		return wrong_usage(r, "mode|pierce|intercept SITE VALUE [for TIME]");
	if (!check_word(r, "value", option_find(setting)->choices, words[1]))
		return false;
	r->request->changes = true;
	put(r, "/switches/set?");
	put_parameter(r, "setting", setting);
	put_parameter(r, "&site", words[0]);
	put_parameter(r, "&value", words[1]);
	if (count == 4)
		put_parameter(r, "&for", words[3]);
	return true;
}

static bool read_undo(struct reading *r, int count, char **words)
{
	if (count < 1 || count > 2)
		return wrong_usage(r, "undo SITE [mode|pierce|intercept]");
	if (count == 2 && !check_word(r, "setting", SETTINGS, words[1]))
		return false;
	r->request->changes = true;
	put(r, "/switches/undo?");
	put_parameter(r, "site", words[0]);
	if (count == 2)
		put_parameter(r, "&setting", words[1]);
	return true;
}

static bool read_flush(struct reading *r, int count, char **words)
{
	if (count != 1)
		return wrong_usage(r, "flush dns|pools|learned|pierced|history|all");
	r->request->changes = true;
	put(r, "/switches/flush?");
	put_parameter(r, "what", words[0]);
	return check_word(r, "thing to flush", FLUSHES, words[0]);
}

static bool read_action(struct reading *r, int count, char **words)
{
	if (!count)
		return wrong_usage(r, ACTIONS " ...");
	if (strcmp(words[0], "show") == 0)
		return read_show(r, count - 1, words + 1);
	if (strcmp(words[0], "undo") == 0)
		return read_undo(r, count - 1, words + 1);
	if (strcmp(words[0], "flush") == 0)
		return read_flush(r, count - 1, words + 1);
	if (is_among(SETTINGS, words[0]))
		return read_set(r, words[0], count - 1, words + 1);
	return check_word(r, "action", ACTIONS, words[0]);
}

bool ctl_request_read(struct ctl_request *request, int count, char **words, char *error, size_t error_bytes)
{
	struct reading r = { .request = request, .error = error, .error_bytes = error_bytes };

	if (!read_action(&r, count, words))
		return false;
	if (r.n == CTL_TARGET_BYTES) {
		snprintf(error, error_bytes, "ctl: the words are too long");
		return false;
	}
	request->target[r.n] = '\0';
	return true;
}
