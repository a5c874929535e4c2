/*
 * Finds the certificate authority, and makes one at the first need.  What it can do is in tls/ca.c and tls/leaf.c.
 */
#include "proxy/authority.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { LEAVES_MAX = 4096, WARN_DAYS = 30 };

static bool put_path(char out[AUTHORITY_PATH_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool put_path(char out[AUTHORITY_PATH_BYTES], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(out, AUTHORITY_PATH_BYTES, format, args);
	va_end(args);
	return n > 0 && n < AUTHORITY_PATH_BYTES;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] == '/' ? value : NULL;
}

bool authority_state_directory(char out[AUTHORITY_PATH_BYTES])
{
	const char *given = environment("STATE_DIRECTORY"), *xdg = environment("XDG_STATE_HOME"), *home = environment("HOME");

	if (given)
		return put_path(out, "%.*s", (int)span_find(span_str(given), ':'), given);
	if (geteuid() == 0)
		return put_path(out, "/var/lib/freshet");
	if (xdg)
		return put_path(out, "%s/freshet", xdg);
	return home && put_path(out, "%s/.local/state/freshet", home);
}

bool authority_paths(const struct config *c, struct authority_paths *out)
{
	char directory[AUTHORITY_PATH_BYTES];

	if (c->ca_cert[0])
		return put_path(out->certificate, "%s", c->ca_cert) && put_path(out->key, "%s", c->ca_key);
	return authority_state_directory(directory) && put_path(out->certificate, "%.1000s/ca.pem", directory) &&
	       put_path(out->key, "%.1000s/ca-key.pem", directory);
}

static bool make_if_missing(const struct authority_paths *paths, char why[CA_WHY_BYTES])
{
	struct ca_limits no_limits = { .count = 0 };

	if (access(paths->certificate, F_OK) == 0 || access(paths->key, F_OK) == 0)
		return true;
	if (!ca_create(paths->certificate, paths->key, &no_limits, why))
		return false;
	log_info("made a certificate authority for this machine: %s", paths->certificate);
	log_info("programs have to trust it before https works in them: freshet ca install, or see freshet ca status");
	return true;
}

struct leaves *authority_leaves(const struct config *c, const char **why)
{
	static _Thread_local char text[CA_WHY_BYTES];
	struct authority_paths paths;
	struct ca ca;

	if (!authority_paths(c, &paths)) {
		*why = "intercept: there is no directory to keep an authority in; set ca-cert and ca-key";
		return NULL;
	}
	*why = text;
	if (!make_if_missing(&paths, text) || !ca_load(&ca, paths.certificate, paths.key, text))
		return NULL;
	if (ca_days_left(&ca) < WARN_DAYS)
		log_warn("%s expires in %d days: put it and its key away and make another, freshet ca init",
			paths.certificate, ca_days_left(&ca));
	struct leaves *leaves = leaves_new(&ca, LEAVES_MAX);
	if (!leaves)
		*why = "intercept: memory is out, or the limits of the authority in ca-cert cannot be read";
	return leaves;
}

bool authority_look(const struct config *c, struct ca *out)
{
	struct authority_paths paths;
	char why[CA_WHY_BYTES];

	return authority_paths(c, &paths) && ca_load_certificate(out, paths.certificate, why);
}
