/*
 * `freshet ca`.  What an authority is made of is tls/ca.c, who trusts it is trust_*.c.
 */
#include "commands/ca_command.h"

#include <stdio.h>
#include <unistd.h>

#include "commands/trust.h"
#include "proxy/authority.h"

static bool complain(const char *why)
{
	fprintf(stderr, "freshet ca: %s\n", why);
	return false;
}

static bool init(const struct ca_request *request, const struct authority_paths *paths)
{
	struct ca_limits limits = { .domains = request->permits, .count = request->permit_count };
	char why[CA_WHY_BYTES];
	struct ca ca;

	if (!ca_create(paths->certificate, paths->key, &limits, why) ||
		!ca_load(&ca, paths->certificate, paths->key, why))
		return complain(why);
	printf("certificate: %s\nkey: %s\n", paths->certificate, paths->key);
	ca_print(&ca, stdout);
	ca_fini(&ca);
	puts("\nWho has the key can read the https of everybody who trusts the certificate: let it never leave this machine.\n"
	     "Next: freshet ca install");
	return true;
}

static bool show(const struct ca_request *request, const struct ca *ca, const char *path)
{
	if (request->pem)
		return ca_print_pem(ca, stdout) || complain("standard output cannot be written");
	printf("certificate: %s\n", path);
	ca_print(ca, stdout);
	return true;
}

/* "freshet-0123456789abcdef" */
static void fill_subject(struct trust_subject *s, const struct ca *ca, const char *path)
{
	size_t n = sizeof("freshet-") - 1;

	*s = (struct trust_subject){ .path = path, .nickname = "freshet-" };
	ca_fingerprint(ca, s->fingerprint);
	for (const char *c = s->fingerprint; *c && n < sizeof("freshet-") - 1 + 16; c++)
		if (*c != ':')
			s->nickname[n++] = ascii_lower(*c);
}

static bool distribute(const struct ca *ca, const char *path, enum trust_wish wish)
{
	struct trust_subject s;

	fill_subject(&s, ca, path);
	printf("certificate: %s\nname in stores: %s\n", path, s.nickname);
	bool system = trust_system(&s, wish), browsers = trust_browsers(&s, wish);
	if (wish == TRUST_INSTALL)
		trust_advise(&s);
	return system && browsers;
}

static bool missing(const char *path)
{
	fprintf(stderr, "freshet ca: there is no authority at %s yet: freshet ca init\n", path);
	return false;
}

static bool with_certificate(const struct ca_request *request, const char *path)
{
	char why[CA_WHY_BYTES];
	struct ca ca;
	bool ok = false;

	if (!request->file && access(path, F_OK) != 0)
		return missing(path);
	if (!ca_load_certificate(&ca, path, why))
		return complain(why);
	switch (request->action) {
	case CA_INIT:
		break;
	case CA_SHOW:
		ok = show(request, &ca, path);
		break;
	case CA_STATUS:
		ok = distribute(&ca, path, TRUST_LOOK);
		break;
	case CA_INSTALL:
		ok = distribute(&ca, path, TRUST_INSTALL);
		break;
	case CA_UNINSTALL:
		ok = distribute(&ca, path, TRUST_UNINSTALL);
		break;
	}
	ca_fini(&ca);
	return ok;
}

bool ca_command(const struct ca_request *request, const struct config *config)
{
	struct authority_paths paths;

	setvbuf(stdout, NULL, _IOLBF, 0); /* in order with what programs say */
	if (request->file)
		return with_certificate(request, request->file);
	if (!authority_paths(config, &paths))
		return complain("there is no directory to keep an authority in; set ca-cert and ca-key");
	if (request->action == CA_INIT)
		return init(request, &paths);
	return with_certificate(request, paths.certificate);
}
