/*
 * The system's store, as Debian keeps it: a file in a directory, from which update-ca-certificates(8) makes what programs
 * read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/program.h"
#include "commands/trust.h"

#define STANDARD_DIRECTORY "/usr/local/share/ca-certificates"

enum { PATH_BYTES = 1024 };

bool trust_system_path(const struct trust_subject *s, char *out, size_t room)
{
	const char *directory = getenv("FRESHET_SYSTEM_STORE");
	int n = snprintf(out, room, "%s/%s.crt", directory ? directory : STANDARD_DIRECTORY, s->nickname);

	return n > 0 && (size_t)n < room;
}

static bool is_there(const struct trust_subject *s, const char *path)
{
	char why[CA_WHY_BYTES], fingerprint[CA_FINGERPRINT_BYTES];
	struct ca ca;

	if (!ca_load_certificate(&ca, path, why))
		return false;
	ca_fingerprint(&ca, fingerprint);
	ca_fini(&ca);
	return strcmp(fingerprint, s->fingerprint) == 0;
}

static bool complain(const char *what)
{
	fprintf(stderr, "freshet ca: %s: %s\n", what, strerror(errno));
	return false;
}

static bool update(const char *option)
{
	const char *const command[] = { "update-ca-certificates", option, NULL };

	switch (program_run(command, false)) {
	case 0:
		return true;
	case PROGRAM_MISSING:
		fputs("freshet ca: there is no update-ca-certificates; on Debian it is in the package ca-certificates\n", stderr);
		return false;
	default:
		fputs("freshet ca: update-ca-certificates failed\n", stderr);
		return false;
	}
}

/* Anybody may read it: that is what it is for. */
static bool copy(const char *from, const char *to)
{
	char why[CA_WHY_BYTES];
	struct ca ca;

	if (!ca_load_certificate(&ca, from, why)) {
		fprintf(stderr, "freshet ca: %s\n", why);
		return false;
	}
	FILE *f = fopen(to, "we");
	bool ok = f && fchmod(fileno(f), 0644) == 0 && ca_print_pem(&ca, f);
	ca_fini(&ca);
	if (f && fclose(f) != 0)
		ok = false;
	return ok || complain(to);
}

static bool install(const struct trust_subject *s, const char *path)
{
	if (is_there(s, path)) {
		printf("system: trusts it already (%s)\n", path);
		return true;
	}
	if (geteuid() != 0) {
		printf("system: only root can do this:\n  sudo install -m 644 ");
		trust_print_quoted(s->path);
		printf(" %s\n  sudo update-ca-certificates\n", path);
		return false;
	}
	if (!copy(s->path, path) || !update(NULL))
		return false;
	printf("system: trusts it now (%s)\n", path);
	return true;
}

static bool uninstall(const char *path)
{
	if (access(path, F_OK) != 0) {
		puts("system: does not trust it");
		return true;
	}
	if (geteuid() != 0) {
		printf("system: only root can do this:\n  sudo rm %s\n  sudo update-ca-certificates --fresh\n", path);
		return false;
	}
	if (unlink(path) != 0)
		return complain(path);
	if (!update("--fresh")) /* without it, what points to the file stays */
		return false;
	puts("system: trusts it no more");
	return true;
}

static bool look(const struct trust_subject *s, const char *path)
{
	bool there = is_there(s, path);

	if (there)
		printf("system: trusts it (%s)\n", path);
	else
		puts("system: does not trust it");
	return there;
}

bool trust_system(const struct trust_subject *s, enum trust_wish wish)
{
	char path[PATH_BYTES];

	if (!trust_system_path(s, path, sizeof(path)))
		return false;
	switch (wish) {
	case TRUST_INSTALL:
		return install(s, path);
	case TRUST_UNINSTALL:
		return uninstall(path);
	case TRUST_LOOK:
		break;
	}
	return look(s, path);
}
