/*
 * Writing the file of users: the password asked for, its line replaced, the file renamed into place.
 */
#include "config/passwd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/password.h"
#include "config/text.h"
#include "config/users.h"

enum { LINE_BYTES = PASSWORD_MAX + 2 }; /* one too many shows, and a NUL */

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "freshet passwd: %s: %s\n", what, why);
	return false;
}

/* -- the password -- */

/* One line without its end.  False at the end of input. */
static bool read_line(char line[LINE_BYTES])
{
	size_t n = 0;
	ssize_t got;
	char c;

	while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		if (n < LINE_BYTES - 1)
			line[n++] = c;
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return got == 1 || n;
}

static bool ask(const char *prompt, char line[LINE_BYTES])
{
	struct termios before, silent;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return read_line(line);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent); /* drops what was typed before, so it comes before the prompt */
	fputs(prompt, stderr);
	bool got = read_line(line);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return got;
}

static const char *password_fault(const char *password)
{
	if (!password[0])
		return "it is empty";
	if (strlen(password) > PASSWORD_MAX)
		return "it is too long, 511 bytes are the most";
	for (const char *p = password; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return "it holds a control character, which no client can send";
	return NULL;
}

static bool ask_password(char password[LINE_BYTES])
{
	char again[LINE_BYTES];
	bool ok = true;

	if (!ask("Password: ", password))
		return complain("password", "there was none on standard input");
	const char *why = password_fault(password);
	if (why)
		return complain("password", why);
	if (isatty(STDIN_FILENO)) {
		ok = ask("The same again: ", again) && strcmp(password, again) == 0;
		explicit_bzero(again, sizeof(again));
	}
	return ok || complain("password", "the two are not the same");
}

static bool make_hash(char hash[PASSWORD_HASH_BYTES])
{
	char password[LINE_BYTES];
	bool ok = ask_password(password);

	if (ok && !password_hash(password, hash))
		ok = complain("password", "the C library cannot hash it");
	explicit_bzero(password, sizeof(password));
	return ok;
}

/* -- the file -- */

static bool is_line_of(struct span line, struct span user)
{
	return line.n > user.n && line.p[user.n] == ':' && span_eq(span_first(line, user.n), user);
}

/* Copies the text with the user's line replaced, or left out when hash is NULL.  False when there was none. */
static bool write_lines(FILE *out, struct span text, struct span user, const char *hash)
{
	bool found = false;

	while (text.n) {
		struct span line = span_first(text, span_find(text, '\n'));

		text = span_from(text, line.n + 1);
		if (!is_line_of(line, user))
			fprintf(out, "%.*s\n", SPAN_ARG(line));
		else if (hash && !found)
			fprintf(out, "%.*s:%s\n", SPAN_ARG(user), hash);
		found = found || is_line_of(line, user);
	}
	if (hash && !found)
		fprintf(out, "%.*s:%s\n", SPAN_ARG(user), hash);
	return found;
}

/* The new file looks like the old one to those who may read it. */
static bool keep_owner(int fd, const struct stat *old)
{
	if (!old)
		return fchmod(fd, S_IRUSR | S_IWUSR) == 0;
	if (fchown(fd, old->st_uid, old->st_gid) != 0 && (old->st_uid != geteuid() || old->st_gid != getegid()))
		return false;
	return fchmod(fd, old->st_mode & (S_IRUSR | S_IWUSR | S_IRGRP)) == 0;
}

/* NULL, or the reason. */
static const char *write_new(int fd, const struct stat *old, struct span text, const struct passwd_request *r,
	const char *hash)
{
	FILE *out = fdopen(fd, "w");
	const char *why = NULL;

	if (!out) {
		close(fd);
		return strerror(errno);
	}
	if (!keep_owner(fd, old))
		why = "the file's owner and mode cannot be kept";
	else if (!write_lines(out, text, span_str(r->user), hash) && r->remove)
		why = "there is no such user in it";
	if ((fflush(out) != 0 || fsync(fd) != 0) && !why)
		why = strerror(errno);
	if (fclose(out) != 0 && !why)
		why = strerror(errno);
	return why;
}

static bool replace(const char *path, const struct stat *old, struct span text, const struct passwd_request *r,
	const char *hash)
{
	char temporary[PATH_MAX];
	int n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	int fd = n > 0 && (size_t)n < sizeof(temporary) ? mkstemp(temporary) : -1;
	const char *why;

	if (fd < 0)
		return complain(path, "no file can be made beside it");
	why = write_new(fd, old, text, r, hash);
	if (!why && rename(temporary, path) != 0)
		why = strerror(errno);
	if (!why)
		return true;
	unlink(temporary);
	return complain(path, why);
}

bool passwd_run(const struct passwd_request *r)
{
	const char *why = user_name_fault(span_str(r->user));
	char hash[PASSWORD_HASH_BYTES], path[PATH_MAX];
	struct stat old;
	size_t n = 0;

	if (why)
		return complain(r->user, why);
	/* A link stays one: what it points at is replaced. */
	if (!realpath(r->path, path) && (errno != ENOENT || snprintf(path, sizeof(path), "%s", r->path) >= (int)sizeof(path)))
		return complain(r->path, strerror(errno));
	bool exists = stat(path, &old) == 0;
	if (!exists && (errno != ENOENT || r->remove))
		return complain(path, strerror(errno));
	char *text = exists ? text_read(path, true, &n, &why) : NULL;
	if (exists && !text)
		return complain(path, why);
	bool ok = (r->remove || make_hash(hash)) &&
		  replace(path, exists ? &old : NULL, span_of(text, n), r, r->remove ? NULL : hash);
	free(text);
	return ok;
}
