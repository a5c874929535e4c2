/*
 * The stores of browsers: NSS databases of Chromium and its kin, and of Firefox's profiles, reached by certutil(1) of the
 * package libnss3-tools.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/program.h"
#include "commands/trust.h"

enum { PATH_BYTES = 1024 };

/* Below the home directory; snap's and flatpak's browsers live in homes of their own. */
static const char *const places[] = {
	".pki/nssdb",
	"snap/*/current/.pki/nssdb",
	".var/app/*/.pki/nssdb",
	".mozilla/firefox/*",
	".config/mozilla/firefox/*",
	"snap/firefox/common/.mozilla/firefox/*",
	".var/app/org.mozilla.firefox/.mozilla/firefox/*",
	".var/app/org.mozilla.firefox/config/mozilla/firefox/*",
};

/* -- one database -- */

static bool is_there(const struct trust_subject *s, const char *database)
{
	const char *const command[] = { "certutil", "-L", "-d", database, "-n", s->nickname, NULL };

	return program_run(command, true) == 0;
}

/* "C": vouches for servers, for nothing else. */
static bool add(const struct trust_subject *s, const char *database)
{
	const char *const command[] = {
		"certutil", "-A", "-d", database, "-n", s->nickname, "-t", "C,,", "-i", s->path, NULL
	};

	return program_run(command, false) == 0 && is_there(s, database);
}

static bool delete(const struct trust_subject *s, const char *database)
{
	const char *const command[] = { "certutil", "-D", "-d", database, "-n", s->nickname, NULL };

	return program_run(command, false) == 0 && !is_there(s, database);
}

static bool tell(const char *directory, const char *what, bool as_wished)
{
	printf("browser: %s (%s)\n", what, directory);
	return as_wished;
}

/* `directory` is a database's. */
static bool serve(const struct trust_subject *s, const char *directory, enum trust_wish wish)
{
	char database[PATH_BYTES + 8];

	snprintf(database, sizeof(database), "sql:%s", directory);
	bool there = is_there(s, database);
	switch (wish) {
	case TRUST_INSTALL:
		if (there)
			return tell(directory, "trusts it already", true);
		if (add(s, database))
			return tell(directory, "trusts it now; restart it if it runs", true);
		return tell(directory, "FAILED to add it", false);
	case TRUST_UNINSTALL:
		if (!there)
			return tell(directory, "does not trust it", true);
		if (delete(s, database))
			return tell(directory, "trusts it no more; restart it if it runs", true);
		return tell(directory, "FAILED to delete it", false);
	case TRUST_LOOK:
		break;
	}
	return tell(directory, there ? "trusts it" : "does not trust it", there);
}

/* -- all of them -- */

/* The files cert9.db of this user's databases, to be freed.  False when memory is out. */
static bool find_databases(const char *home, glob_t *found)
{
	char pattern[PATH_BYTES];
	int flags = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int n = snprintf(pattern, sizeof(pattern), "%s/%s/cert9.db", home, places[i]);

		if (n < 0 || (size_t)n >= sizeof(pattern))
			return false;
		int result = glob(pattern, flags, NULL, found);
		if (result != 0 && result != GLOB_NOMATCH)
			return false;
		flags = GLOB_APPEND;
	}
	return true;
}

/* Chromium makes its database at its first start, and takes one that is there. */
static void prepare_database(const char *home)
{
	char parent[PATH_BYTES], directory[PATH_BYTES + 8], database[PATH_BYTES + 16];
	const char *const command[] = { "certutil", "-N", "-d", database, "--empty-password", NULL };
	int n = snprintf(parent, sizeof(parent), "%s/.pki", home);

	if (n < 0 || (size_t)n >= sizeof(parent))
		return;
	snprintf(directory, sizeof(directory), "%s/nssdb", parent);
	snprintf(database, sizeof(database), "sql:%s", directory);
	if ((mkdir(parent, 0700) == 0 || access(parent, F_OK) == 0) && mkdir(directory, 0700) == 0 &&
		program_run(command, true) != 0)
		rmdir(directory);
}

static bool has_certutil(void)
{
	const char *const command[] = { "certutil", "--version", NULL };

	return program_run(command, true) != PROGRAM_MISSING;
}

static bool serve_all(const struct trust_subject *s, const glob_t *found, enum trust_wish wish)
{
	bool ok = true;

	if (!found->gl_pathc)
		puts("browsers: no database of Chromium or Firefox in this home directory");
	for (size_t i = 0; i < found->gl_pathc; i++) {
		char *slash = strrchr(found->gl_pathv[i], '/');

		*slash = '\0';
		ok = serve(s, found->gl_pathv[i], wish) && ok;
	}
	return ok;
}

bool trust_browsers(const struct trust_subject *s, enum trust_wish wish)
{
	const char *home = getenv("HOME");
	glob_t found = { .gl_pathc = 0 };
	bool ok = false, has_tool = has_certutil();

	if (!home || home[0] != '/')
		return true;
	if (wish == TRUST_INSTALL && has_tool && geteuid() != 0)
		prepare_database(home);
	if (!find_databases(home, &found)) {
		fputs("freshet ca: the databases of browsers cannot be listed\n", stderr);
	} else if (found.gl_pathc && !has_tool) {
		puts("browsers: there is no certutil to look into their databases: sudo apt-get install libnss3-tools");
	} else {
		ok = serve_all(s, &found, wish);
	}
	globfree(&found);
	return ok;
}
