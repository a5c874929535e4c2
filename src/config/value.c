/*
 * Texts of single values.  Pure, never allocates.
 */
#include "config/value.h"

#include "config/option.h"

const char value_out_of_range[] = "is out of range";

static const char not_number[] = "is not a whole number";
static const char not_size[] = "is not a size, such as 512, 64k or 1m";
static const char not_duration[] = "is not a time with its unit, such as 500ms, 10s, 5m or 1h";
static const char not_share[] = "is not a share of the whole, such as 1% or 0.25%";
static const char not_boolean[] = "is neither yes nor no";
static const char not_choice[] = "is none of the words known here";
static const char not_port[] = "is neither a port nor a range of ports, such as 443 or 8000-8999";
static const char not_token[] = "has characters that cannot stand in a header field";
static const char not_listen[] = "is not an address with its port, such as 127.0.0.1:8080 or [::1]:8080";
static const char no_unix[] = "asks for a unix socket, which this version does not listen on";
static const char not_resolver[] = "is neither an address, such as 127.0.0.1:53, nor the word system";
static const char not_parent[] = "is not a proxy's address, such as http://host:3128 or socks5://host:1080";
static const char no_parent_tls[] = "asks for TLS to the parent, which this version does not have";
static const char printed_parent[] = "is what -T prints: put the password in place of ***, or the ${NAME} of a variable";
static const char not_parent_port[] = "lacks the parent's port, such as :3128";
static const char not_credentials[] = "has a % in its credentials that two hexadecimal digits do not follow";

struct unit {
	struct span name;
	uint64_t factor;
};

/* Splits "64k" into number and unit; false when there is no such unit or the number overflows. */
static bool with_unit(struct span text, const struct unit *units, size_t count, uint64_t *out)
{
	size_t digits = 0;
	uint64_t n;

	while (digits < text.n && ascii_digit(text.p[digits]))
		digits++;
	struct span unit = span_from(text, digits);
	for (size_t i = 0; i < count; i++) {
		if (!span_ieq(unit, units[i].name))
			continue;
		if (!span_u64(span_first(text, digits), UINT64_MAX / units[i].factor, &n))
			return false;
		*out = n * units[i].factor;
		return true;
	}
	return false;
}

static const char *in_range(uint64_t n, uint64_t min, uint64_t max, uint64_t *out)
{
	if (n < min || n > max)
		return value_out_of_range;
	*out = n;
	return NULL;
}

const char *value_integer(struct span text, uint64_t min, uint64_t max, uint64_t *out)
{
	static const struct unit none[] = { { SPAN_NONE, 1 } };
	uint64_t n;

	if (!with_unit(text, none, 1, &n))
		return not_number;
	return in_range(n, min, max, out);
}

const char *value_size(struct span text, uint64_t min, uint64_t max, uint64_t *out)
{
	static const struct unit units[] = {
		{ SPAN_NONE, 1 }, { { "k", 1 }, 1 << 10 }, { { "m", 1 }, 1 << 20 }, { { "g", 1 }, 1 << 30 },
	};
	uint64_t n;

	if (!with_unit(text, units, sizeof(units) / sizeof(units[0]), &n))
		return not_size;
	return in_range(n, min, max, out);
}

const char *value_duration(struct span text, uint64_t min_ms, uint64_t max_ms, uint64_t *out)
{
	static const struct unit units[] = {
		{ { "ms", 2 }, 1 },      { { "s", 1 }, 1000 },     { { "m", 1 }, 60000 },
		{ { "h", 1 }, 3600000 }, { { "d", 1 }, 86400000 },
	};
	uint64_t n;

	if (span_eq(text, SPAN("0")))
		return in_range(0, min_ms, max_ms, out);
	if (!with_unit(text, units, sizeof(units) / sizeof(units[0]), &n))
		return not_duration;
	return in_range(n, min_ms, max_ms, out);
}

const char *value_share(struct span text, uint64_t *out)
{
	enum { PLACES = 4 };
	size_t dot = span_find(text, '.');
	struct span whole = span_first(text, dot), fraction = span_from(text, dot + 1);
	uint64_t percent, millionths = 0;

	if (!text.n || text.p[text.n - 1] != '%')
		return not_share;
	if (dot < text.n)
		fraction.n--;
	else
		whole.n--;
	if (!span_u64(whole, 1000, &percent) || (dot < text.n && !span_u64(fraction, 9999, &millionths)) ||
		fraction.n > PLACES)
		return not_share;
	for (size_t i = fraction.n; i < PLACES; i++)
		millionths *= 10;
	return in_range(percent * 10000 + millionths, 0, 1000000, out);
}

const char *value_boolean(struct span text, bool *out)
{
	static const char words[] = "yes|on|true|no|off|false";
	size_t n;

	if (value_choice(text, words, &n))
		return not_boolean;
	*out = n < 3;
	return NULL;
}

const char *value_choice(struct span text, const char *choices, size_t *out)
{
	struct span word;

	for (size_t i = 0; (word = choice_word(choices, i)).n; i++) {
		if (span_eq(word, text)) {
			*out = i;
			return NULL;
		}
	}
	return not_choice;
}

static bool port_number(struct span text, uint16_t *out)
{
	uint64_t n;

	if (!span_u64(text, 65535, &n) || n == 0)
		return false;
	*out = (uint16_t)n;
	return true;
}

const char *value_ports(struct span text, struct config_port_range *out)
{
	size_t dash = span_find(text, '-');
	struct config_port_range range;

	if (!port_number(span_first(text, dash), &range.first))
		return not_port;
	range.last = range.first;
	if (dash < text.n && !port_number(span_from(text, dash + 1), &range.last))
		return not_port;
	if (range.last < range.first)
		return not_port;
	*out = range;
	return NULL;
}

const char *value_token(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i], lower = ascii_lower(c);
		bool alphanumeric = (lower >= 'a' && lower <= 'z') || ascii_digit(c);

		if (!alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
			return not_token;
	}
	return NULL;
}

const char *value_listen(struct span text, struct address *out)
{
	if (span_istarts(text, SPAN("unix:")))
		return no_unix;
	return address_parse(text, out) ? NULL : not_listen;
}

const char *value_resolver(struct span text, struct config_resolver *out)
{
	struct config_resolver r = { .kind = CONFIG_RESOLVER_SYSTEM_FILE };

	if (span_eq(text, SPAN("system"))) {
		r.kind = CONFIG_RESOLVER_GETADDRINFO;
	} else if (text.n) {
		r.kind = CONFIG_RESOLVER_ADDRESS;
		if (!address_parse_ip(text, 53, &r.address) && !address_parse(text, &r.address))
			return not_resolver;
		if (r.address.port == 0)
			return not_resolver;
	}
	*out = r;
	return NULL;
}

static bool percent_signs_ok(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '%')
			continue;
		if (s.n - i < 3 || ascii_hex(s.p[i + 1]) < 0 || ascii_hex(s.p[i + 2]) < 0)
			return false;
		if (s.p[i + 1] == '0' && s.p[i + 2] == '0')
			return false; /* would end the string early */
		i += 2;
	}
	return true;
}

/* Takes "user:password@" off the front; the last @ counts, for those who forgot to encode one. */
static const char *take_credentials(struct span *rest, struct value_parent *p)
{
	size_t at = rest->n;

	while (at && rest->p[at - 1] != '@')
		at--;
	if (!at)
		return NULL;
	struct span both = span_first(*rest, at - 1);
	size_t colon = span_find(both, ':');

	p->has_credentials = true;
	p->user = span_first(both, colon);
	p->password = span_from(both, colon + 1);
	*rest = span_from(*rest, at);
	if (span_eq(p->password, SPAN("***")))
		return printed_parent;
	return percent_signs_ok(both) ? NULL : not_credentials;
}

static bool host_characters_ok(struct span host, bool bracketed)
{
	for (size_t i = 0; i < host.n; i++) {
		unsigned char c = (unsigned char)host.p[i];

		if (c <= ' ' || c >= 0x7f || strchr("/?#@[]$\\\"", c) || (c == ':' && !bracketed))
			return false;
	}
	return host.n > 0;
}

static const char *take_host_port(struct span rest, struct value_parent *p)
{
	bool bracketed = rest.n && rest.p[0] == '[';
	size_t end = span_find(rest, bracketed ? ']' : ':');
	struct address ip;

	p->host = bracketed ? span_from(span_first(rest, end), 1) : span_first(rest, end);
	if (!host_characters_ok(p->host, bracketed))
		return not_parent;
	if (bracketed && !address_parse_ip(p->host, 0, &ip))
		return not_parent;
	rest = span_from(rest, end + (bracketed ? 1 : 0));
	if (!rest.n)
		return not_parent_port;
	if (rest.p[0] != ':' || !port_number(span_from(rest, 1), &p->port))
		return not_parent;
	return NULL;
}

const char *value_parent(struct span text, struct value_parent *out)
{
	struct value_parent p = { .kind = CONFIG_PARENT_NONE };
	const char *why = NULL;

	if (span_istarts(text, SPAN("https://")))
		return no_parent_tls;
	if (span_istarts(text, SPAN("http://")))
		p.kind = CONFIG_PARENT_HTTP;
	else if (span_istarts(text, SPAN("socks5://")))
		p.kind = CONFIG_PARENT_SOCKS5;
	else if (text.n)
		return not_parent;
	if (p.kind != CONFIG_PARENT_NONE) {
		struct span rest = span_from(text, p.kind == CONFIG_PARENT_HTTP ? 7 : 9);

		if (rest.n && rest.p[rest.n - 1] == '/')
			rest.n--;
		why = take_credentials(&rest, &p);
		if (!why)
			why = take_host_port(rest, &p);
	}
	if (!why)
		*out = p;
	return why;
}
