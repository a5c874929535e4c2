/*
 * Texts of single values: numbers with units, words, ports, URLs of parents.
 *
 * Pure.  Each returns NULL, or the reason why the text is not such a value, and then leaves *out alone.
 */
#ifndef FRESHET_CONFIG_VALUE_H
#define FRESHET_CONFIG_VALUE_H

#include "config/config.h"

/* The reason to which field_explain() adds the range. */
extern const char value_out_of_range[];

/* "64", within the range. */
const char *value_integer(struct span text, uint64_t min, uint64_t max, uint64_t *out) MUST_CHECK;

/* "512", "64k", "1m", "2g": bytes. */
const char *value_size(struct span text, uint64_t min, uint64_t max, uint64_t *out) MUST_CHECK;

/* "500ms", "10s", "5m", "1h", "7d": milliseconds.  The unit may be left out of a zero only. */
/* "1%", "0.25%": in millionths of the whole. */
const char *value_share(struct span text, uint64_t *out) MUST_CHECK;
const char *value_duration(struct span text, uint64_t min_ms, uint64_t max_ms, uint64_t *out) MUST_CHECK;

/* yes, on, true; no, off, false. */
const char *value_boolean(struct span text, bool *out) MUST_CHECK;

/* The place of the text among words that are separated by bars. */
const char *value_choice(struct span text, const char *choices, size_t *out) MUST_CHECK;

/* "443" or "1-65535". */
const char *value_ports(struct span text, struct config_port_range *out) MUST_CHECK;

/* A token of RFC 9110 section 5.6.2. */
const char *value_token(struct span text) MUST_CHECK;

/* An address with a port, the port alone for loopback. */
const char *value_listen(struct span text, struct address *out) MUST_CHECK;

/* "", "system", an address with or without port. */
const char *value_resolver(struct span text, struct config_resolver *out) MUST_CHECK;

/* A parent as written: all of it points into the text, credentials still percent-encoded. */
struct value_parent {
	enum config_parent_kind kind;
	uint16_t port;
	bool has_credentials;
	struct span host, user, password;
};

/* "", "http://[user:password@]host:port", "socks5://…". */
const char *value_parent(struct span text, struct value_parent *out) MUST_CHECK;

#endif
