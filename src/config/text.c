/*
 * The file's text: read, and stripped of what the parsing library would misread.
 *
 * Follows libconfuse's scanner as to where words, strings and comments begin and end.  Knows no options.
 */
#include "config/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1024 * 1024 };

enum token {
	TOKEN_END,
	TOKEN_BAD, /* reported */
	TOKEN_WORD,
	TOKEN_CALL,     /* ( */
	TOKEN_CALL_END, /* ) */
	TOKEN_BRACE,
	TOKEN_BRACE_END,
	TOKEN_OTHER,
};

struct scan {
	const char *name; /* of the file */
	char *text;       /* borrowed, changed in place */
	size_t n, at;
	int line;
	unsigned in_call;   /* 1 after an opening parenthesis, 2 after the word that follows it */
	unsigned depth;     /* of braces */
	int depth_line;     /* where the outermost was opened */
	struct config_report *report; /* borrowed */
};

static enum token scan_token(struct scan *s);
static bool scan_blank(struct scan *s);
static enum token scan_string(struct scan *s);
static enum token scan_word(struct scan *s);
static bool scan_env(struct scan *s);

static enum token refuse(struct scan *s, int line, const char *message)
{
	char where[512];

	snprintf(where, sizeof(where), "%.400s:%d", s->name, line);
	report_error(s->report, where, "%s", message);
	return TOKEN_BAD;
}

/* Whether a call has its one argument and nothing else. */
static bool call_fits(struct scan *s, enum token t)
{
	if (s->in_call && t != (s->in_call == 1 ? TOKEN_WORD : TOKEN_CALL_END)) {
		refuse(s, s->line, "write include(\"file\"), with one file name");
		return false;
	}
	s->in_call = t == TOKEN_CALL ? 1 : s->in_call == 1 ? 2 : 0;
	return true;
}

static bool braces_fit(struct scan *s, enum token t)
{
	if (t == TOKEN_BRACE && s->depth++ == 0)
		s->depth_line = s->line;
	if (t == TOKEN_BRACE_END && s->depth)
		s->depth--;
	if (t != TOKEN_END || s->depth == 0)
		return true;
	refuse(s, s->depth_line, "the brace that opens here is not closed");
	return false;
}

bool text_prepare(const char *name, char *text, size_t n, struct config_report *report)
{
	struct scan s = { .name = name, .text = text, .n = n, .line = 1, .report = report };
	enum token t;

	do {
		t = scan_token(&s);
		if (t == TOKEN_BAD || !call_fits(&s, t) || !braces_fit(&s, t))
			return false;
	} while (t != TOKEN_END);
	return true;
}

static bool at_pair(const struct scan *s, char a, char b)
{
	return s->n - s->at >= 2 && s->text[s->at] == a && s->text[s->at + 1] == b;
}

/* What ends a word; '*' does as well, but is nothing by itself. */
static bool ends_word(char c)
{
	return strchr(" #\"'\t\n\r={}()+,*", c) != NULL; /* also NUL */
}

static enum token token_of(char c)
{
	switch (c) {
	case '(':
		return TOKEN_CALL;
	case ')':
		return TOKEN_CALL_END;
	case '{':
		return TOKEN_BRACE;
	case '}':
		return TOKEN_BRACE_END;
	default:
		return TOKEN_OTHER;
	}
}

static enum token scan_token(struct scan *s)
{
	if (!scan_blank(s))
		return TOKEN_BAD;
	if (s->at == s->n)
		return TOKEN_END;
	char c = s->text[s->at];
	if (c == '"' || c == '\'')
		return scan_string(s);
	if (c == '*')
		return refuse(s, s->line, "a word with * must stand in quotes, as in \"*.example.com\"");
	if (c == '+' && !at_pair(s, '+', '='))
		return refuse(s, s->line, "a word with + must stand in quotes");
	if (c == '\0')
		return refuse(s, s->line, "there is a NUL byte: this is no text file");
	if (!ends_word(c))
		return scan_word(s);
	s->at += c == '+' ? 2 : 1;
	return token_of(c);
}

static void blank(struct scan *s)
{
	if (s->text[s->at] == '\n')
		s->line++;
	else
		s->text[s->at] = ' ';
	s->at++;
}

static void blank_line(struct scan *s)
{
	while (s->at < s->n && s->text[s->at] != '\n')
		blank(s);
}

static bool blank_comment(struct scan *s)
{
	int line = s->line;

	blank(s);
	blank(s);
	while (!at_pair(s, '*', '/')) {
		if (s->at == s->n) {
			refuse(s, line, "the comment that begins here has no end");
			return false;
		}
		blank(s);
	}
	blank(s);
	blank(s);
	return true;
}

/* Moves on to the next token, blanking comments. */
static bool scan_blank(struct scan *s)
{
	while (s->at < s->n) {
		char c = s->text[s->at];

		if (c == '#' || at_pair(s, '/', '/'))
			blank_line(s);
		else if (at_pair(s, '/', '*')) {
			if (!blank_comment(s))
				return false;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			blank(s);
		else
			break;
	}
	return true;
}

static enum token scan_string(struct scan *s)
{
	char quote = s->text[s->at++];
	int line = s->line;

	while (s->at < s->n && s->text[s->at] != quote) {
		if (quote == '"' && at_pair(s, '$', '{')) {
			if (!scan_env(s))
				return TOKEN_BAD;
			continue;
		}
		if (s->text[s->at] == '\\' && s->at + 1 < s->n)
			s->at++;
		if (s->text[s->at] == '\n')
			s->line++;
		if (s->text[s->at] == '\0')
			return refuse(s, s->line, "there is a NUL byte: this is no text file");
		s->at++;
	}
	if (s->at == s->n)
		return refuse(s, line, "the string that begins here has no closing quote");
	s->at++;
	return TOKEN_WORD;
}

static enum token scan_word(struct scan *s)
{
	if (at_pair(s, '$', '{'))
		return scan_env(s) ? TOKEN_WORD : TOKEN_BAD;
	while (s->at < s->n && !ends_word(s->text[s->at]))
		s->at++;
	return TOKEN_WORD;
}

/*
 * Passes "${NAME}" or "${NAME:-default}".  A variable that is not set counts as empty, which somebody may not
 * expect.  Without this check the library would look for the brace beyond the string's end.
 */
static bool scan_env(struct scan *s)
{
	struct span rest = span_of(s->text + s->at + 2, s->n - s->at - 2);
	struct span inside = span_first(rest, span_find(rest, '}'));
	char name[256], where[512];

	if (inside.n == rest.n || inside.n >= sizeof(name) || span_find(inside, '"') < inside.n ||
	    span_find(inside, '\n') < inside.n || span_find(inside, '\0') < inside.n) {
		refuse(s, s->line, "after ${ there is no } (a dollar sign itself is written \"\\$\")");
		return false;
	}
	s->at += 2 + inside.n + 1;
	memcpy(name, inside.p, inside.n);
	name[inside.n] = '\0';
	if (strstr(name, ":-") || getenv(name))
		return true;
	snprintf(where, sizeof(where), "%.400s:%d", s->name, s->line);
	report_warning(s->report, where, "the environment variable %s is not set and counts as empty", name);
	return true;
}

static char *read_all(int fd, size_t *n, const char **why)
{
	char *text = malloc(FILE_MAX_BYTES + 1);
	size_t got = 0;
	ssize_t r;

	if (!text) {
		*why = strerror(ENOMEM);
		return NULL;
	}
	while (got <= FILE_MAX_BYTES && (r = read(fd, text + got, FILE_MAX_BYTES + 1 - got)) != 0) {
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			*why = strerror(errno);
			free(text);
			return NULL;
		}
		got += (size_t)r;
	}
	if (got > FILE_MAX_BYTES) {
		*why = "larger than 1 MiB, which no configuration is";
		free(text);
		return NULL;
	}
	*n = got;
	return text;
}

char *text_read(const char *path, bool only_regular, size_t *n, const char **why)
{
	/* O_NONBLOCK: opening a pipe that nobody writes to must not hang a reload. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | (only_regular ? O_NONBLOCK : 0));
	struct stat st;
	char *text = NULL;

	if (fd < 0) {
		*why = strerror(errno);
		return NULL;
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		*why = strerror(EISDIR);
	else if (only_regular && !S_ISREG(st.st_mode))
		*why = "not a regular file";
	else
		text = read_all(fd, n, why);
	close(fd);
	return text;
}
