/*
 * The configuration: plain data, read once, never changed afterwards.
 *
 * A reload reads a second one and swaps pointers.  Nothing here compiles patterns or opens sockets: site
 * titles are handed over as text.
 */
#ifndef FRESHET_CONFIG_CONFIG_H
#define FRESHET_CONFIG_CONFIG_H

#include "base/address.h"
#include "base/log.h"
#include "base/span.h"

/* Read when no file is named; it may be missing. */
#ifndef CONFIG_DEFAULT_PATH
#define CONFIG_DEFAULT_PATH "/etc/freshet/freshet.conf"
#endif

/* Each in the order of the words in options.def. */
enum config_mode { CONFIG_MODE_OFF, CONFIG_MODE_OBSERVE, CONFIG_MODE_REVALIDATE, CONFIG_MODE_BUST };
enum config_pierce { CONFIG_PIERCE_NEVER, CONFIG_PIERCE_AUTO, CONFIG_PIERCE_ALWAYS };
enum config_validators { CONFIG_VALIDATORS_KEEP, CONFIG_VALIDATORS_STRIP };
enum config_service_workers {
	CONFIG_SERVICE_WORKERS_PASS,
	CONFIG_SERVICE_WORKERS_BUST,
	CONFIG_SERVICE_WORKERS_WRAP,
	CONFIG_SERVICE_WORKERS_KILL,
};
enum config_redirects { CONFIG_REDIRECTS_KEEP, CONFIG_REDIRECTS_TEMPORARY };
enum config_evidence { CONFIG_EVIDENCE_READ, CONFIG_EVIDENCE_ASK };
enum config_records_digest { CONFIG_RECORDS_DIGEST_AUTO, CONFIG_RECORDS_DIGEST_ALWAYS, CONFIG_RECORDS_DIGEST_NEVER };
enum config_back_forward { CONFIG_BACK_FORWARD_KEEP, CONFIG_BACK_FORWARD_EVICT };
enum config_purge_client { CONFIG_PURGE_CLIENT_NEVER, CONFIG_PURGE_CLIENT_FIRST_CONTACT };
enum config_intercept { CONFIG_INTERCEPT_NO, CONFIG_INTERCEPT_YES, CONFIG_INTERCEPT_STRICT };
enum config_log_format { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };

struct config_strings {
	char **items; /* owned, as are the strings */
	size_t count;
};

struct config_port_range {
	uint16_t first, last; /* inclusive */
};

struct config_ports {
	struct config_port_range *items; /* owned */
	size_t count;
};

struct config_networks {
	struct network *items; /* owned */
	size_t count;
};

struct config_addresses {
	struct address *items; /* owned */
	size_t count;
};

enum config_parent_kind { CONFIG_PARENT_NONE, CONFIG_PARENT_HTTP, CONFIG_PARENT_SOCKS5 };

/* Strings are owned. */
struct config_parent {
	enum config_parent_kind kind;
	uint16_t port;
	char *host;            /* name or address without brackets; NULL without a parent */
	char *user, *password; /* percent-decoded; both NULL without credentials */
};

enum config_resolver_kind {
	CONFIG_RESOLVER_SYSTEM_FILE, /* resolv.conf and hosts */
	CONFIG_RESOLVER_GETADDRINFO, /* the C library */
	CONFIG_RESOLVER_ADDRESS,
};

struct config_resolver {
	enum config_resolver_kind kind;
	struct address address; /* with CONFIG_RESOLVER_ADDRESS */
};

/* The C type behind each type in options.def. */
#define CONFIG_C_INTEGER(min, max) unsigned
#define CONFIG_C_AUTO_INTEGER(min, max) unsigned
#define CONFIG_C_SIZE(min, max) size_t
#define CONFIG_C_DURATION(min, max) int64_t
#define CONFIG_C_SHARE unsigned
#define CONFIG_C_BOOLEAN bool
#define CONFIG_C_CHOICE(tag, words) enum tag
#define CONFIG_C_STRING char *
#define CONFIG_C_TOKEN char *
#define CONFIG_C_PARENT struct config_parent
#define CONFIG_C_RESOLVER struct config_resolver
#define CONFIG_C_STRINGS struct config_strings
#define CONFIG_C_TOKENS struct config_strings
#define CONFIG_C_PORTS struct config_ports
#define CONFIG_C_NETWORKS struct config_networks
#define CONFIG_C_ADDRESSES struct config_addresses

struct users;

enum { CONFIG_OPTIONS_MAX = 128 };

/* One site section.  Values that it does not set are the global ones.  Everything is owned. */
struct config_site {
	char *pattern;  /* the title: "*.example.com", "host:port/path*"; not empty */
	char *where;    /* "file:line", for messages about the pattern */
	bool given[CONFIG_OPTIONS_MAX]; /* by enum config_option_id: those that the section sets itself */
#define SHARED_OPTION(member, name, type, standard, help) CONFIG_C_##type member;
#define SITE_OPTION(member, name, type, standard, help) CONFIG_C_##type member;
#include "config/options.def"
};

/* Owns all it points to.  Strings are never NULL unless said otherwise. */
struct config {
	char *path;                /* the file read; NULL when there was none */
	struct users *users;       /* of proxy-users (config/users.h); NULL when nobody has to log in */
	bool allow_given;          /* allow was set by somebody, even if to nothing */
	struct config_site *sites; /* in file order: the first that matches counts */
	size_t site_count;
#define GLOBAL_OPTION(member, name, type, standard, help) CONFIG_C_##type member;
#define SHARED_OPTION(member, name, type, standard, help) CONFIG_C_##type member;
#include "config/options.def"
};

/* A value from the command line, stronger than the file's.  Lists are separated by commas. */
struct config_override {
	const char *name, *value; /* borrowed */
};

/* What the command line says; the same at every reload. */
struct config_overrides {
	const struct config_override *items; /* borrowed; a list named twice is the two together */
	size_t count;
	unsigned verbose; /* steps by which the log level is raised */
};

/* What loading had to say: lines "file:line: message".  Zero it before use. */
struct config_report {
	struct config_strings errors, warnings; /* owned */
	bool out_of_memory;                     /* a line could not be kept */
};

void config_report_fini(struct config_report *report);

/*
 * Reads a file; with path NULL CONFIG_DEFAULT_PATH, or the defaults when that does not exist.  All or
 * nothing: NULL when there is an error, and then the report says which.  `overrides` may be NULL.  Not for
 * two threads at once: the parsing library keeps its state in globals.
 */
struct config *config_load(const char *path, const struct config_overrides *overrides,
			   struct config_report *report) MUST_CHECK;

/* The same from memory; messages call the text by this name. */
struct config *config_parse_text(const char *name, struct span text, const struct config_overrides *overrides,
				 struct config_report *report) MUST_CHECK;

/* Takes NULL. */
void config_free(struct config *config);

/*
 * Whether it is settled who is served there: listening beyond loopback takes allow, allow-any-client or proxy-users.
 */
bool config_may_listen(const struct config *config, const struct address *a);

/* Whether this client is to be served: deny, then allow. */
bool config_client_allowed(const struct config *config, const struct address *client);

/* Whether it belongs to local-clients. */
bool config_client_local(const struct config *config, const struct address *client);

/* Whether connections and requests of this client are counted by its address. */
bool config_client_counted(const struct config *config, const struct address *client);

/* Whether connections to this address (as in listen) begin with a PROXY protocol header; whose are believed. */
bool config_wants_proxy_header(const struct config *config, const struct address *listening);
bool config_trusts_proxy_header(const struct config *config, const struct address *sender);

/* The name server as net/resolve wants it: "", "system", or its address. */
void config_resolver_server(const struct config_resolver *r, char out[ADDRESS_TEXT_MAX]);

bool config_ports_have(const struct config_ports *ports, uint16_t port);

#endif
