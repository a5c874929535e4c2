/*
 * Members of the configuration as text: in the file's syntax, and in messages about wrong values.
 */
#include <arpa/inet.h>
#include <inttypes.h>

#include "config/field.h"
#include "config/report.h"
#include "config/value.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* With the largest unit that divides it. */
static void number_format(uint64_t n, const struct unit *unit, char *out, size_t out_size)
{
	while (unit->factor > 1 && (n == 0 || n % unit->factor))
		unit++;
	snprintf(out, out_size, "%" PRIu64 "%s", n / unit->factor, unit->name);
}

/* With as many places as it has. */
static void share_format(uint64_t millionths, char *out, size_t out_size)
{
	int n = snprintf(out, out_size, "%" PRIu64 ".%04u", millionths / 10000, (unsigned)(millionths % 10000));

	while (out[n - 1] == '0')
		n--;
	n -= out[n - 1] == '.';
	snprintf(out + n, out_size - (size_t)n, "%%");
}

static void bound_format(const struct config_option *o, uint64_t n, char *out, size_t out_size)
{
	static const struct unit sizes[] = {
		{ "g", 1 << 30 }, { "m", 1 << 20 }, { "k", 1 << 10 }, { "", 1 },
	};
	static const struct unit times[] = {
		{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
	};
	static const struct unit plain[] = { { "", 1 } };
	const struct unit *units = o->type == TYPE_SIZE ? sizes : o->type == TYPE_DURATION ? times : plain;

	if (o->type == TYPE_SHARE)
		share_format(n, out, out_size);
	else
		number_format(n, units, out, out_size);
}

void field_explain(const struct config_option *o, struct span text, const char *reason, char *out,
		   size_t out_size)
{
	char low[32], high[32];
	struct span near, shown = report_quotable(text, 100);

	if (o->type == TYPE_PARENT)
		shown = SPAN("***"); /* may hold a password */
	int n = snprintf(out, out_size, "%s: \"%.*s\" %s", o->name, SPAN_ARG(shown), reason);
	size_t used = n < 0 ? 0 : (size_t)n < out_size ? (size_t)n : out_size - 1;

	if (reason == value_out_of_range) {
		bound_format(o, o->min, low, sizeof(low));
		bound_format(o, o->max, high, sizeof(high));
		snprintf(out + used, out_size - used, ", which is %s to %s", low, high);
	} else if (o->type == TYPE_CHOICE) {
		near = choice_nearest(o->choices, text);
		if (near.n)
			snprintf(out + used, out_size - used, ", %s; did you mean \"%.*s\"?", o->choices,
				 SPAN_ARG(near));
		else
			snprintf(out + used, out_size - used, ", %s", o->choices);
	}
}

void field_print_string(const char *text, FILE *out)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\' || c == '$') /* "${" would be an environment variable */
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void print_strings(const struct config_strings *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++) {
		fputs(i ? ", " : "", out);
		field_print_string(list->items[i], out);
	}
}

static void print_ports(const struct config_ports *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct config_port_range *r = &list->items[i];

		fprintf(out, "%s%u", i ? ", " : "", r->first);
		if (r->last != r->first)
			fprintf(out, "-%u", r->last);
	}
}

static void print_networks(const struct config_networks *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct network *n = &list->items[i];
		struct address a = { .port = 0 };
		char text[INET6_ADDRSTRLEN];
		unsigned before = 0;

		memcpy(a.ip, n->ip, sizeof(a.ip));
		if (address_is_v4(&a) && n->prefix_bits >= 96)
			before = 96;
		inet_ntop(before ? AF_INET : AF_INET6, a.ip + before / 8, text, sizeof(text));
		fprintf(out, "%s\"%s/%u\"", i ? ", " : "", text, n->prefix_bits - before);
	}
}

static void print_addresses(const struct config_addresses *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++) {
		char text[ADDRESS_TEXT_MAX];

		address_format(&list->items[i], text);
		fprintf(out, "%s\"%s\"", i ? ", " : "", text);
	}
}

/* Escaped for a URL: everything but letters, digits and what RFC 3986 calls unreserved. */
static void print_encoded(const char *text, FILE *out)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char lower = ascii_lower(*text);

		if ((lower >= 'a' && lower <= 'z') || ascii_digit(*text) || strchr("-._~", c))
			putc(c, out);
		else
			fprintf(out, "%%%02X", c);
	}
}

static void print_parent(const struct config_parent *p, FILE *out)
{
	bool bracketed = p->host && strchr(p->host, ':');

	putc('"', out);
	switch (p->kind) {
	case CONFIG_PARENT_NONE:
		break;
	case CONFIG_PARENT_HTTP:
		fputs("http://", out);
		break;
	case CONFIG_PARENT_SOCKS5:
		fputs("socks5://", out);
		break;
	}
	if (p->user) {
		print_encoded(p->user, out);
		fputs(p->password[0] ? ":***@" : "@", out);
	}
	if (p->host)
		fprintf(out, bracketed ? "[%s]:%u" : "%s:%u", p->host, p->port);
	putc('"', out);
}

static void print_resolver(const struct config_resolver *r, FILE *out)
{
	char text[ADDRESS_TEXT_MAX] = "";

	switch (r->kind) {
	case CONFIG_RESOLVER_SYSTEM_FILE:
		break;
	case CONFIG_RESOLVER_GETADDRINFO:
		memcpy(text, "system", sizeof("system"));
		break;
	case CONFIG_RESOLVER_ADDRESS:
		address_format(&r->address, text);
		break;
	}
	fprintf(out, "\"%s\"", text);
}

static void print_number(const struct config_option *o, uint64_t n, FILE *out)
{
	char text[32];

	bound_format(o, n, text, sizeof(text));
	fputs(o->type == TYPE_AUTO_INTEGER && n == 0 ? "auto" : text, out);
}

static void print_choice(const struct config_option *o, const void *at, FILE *out)
{
	unsigned n;

	memcpy(&n, at, sizeof(n));
	fprintf(out, "%.*s", SPAN_ARG(choice_word(o->choices, n)));
}

static void print_list(const struct config_option *o, const void *at, FILE *out)
{
	putc('{', out);
	if (o->type == TYPE_PORTS)
		print_ports(at, out);
	else if (o->type == TYPE_NETWORKS)
		print_networks(at, out);
	else if (o->type == TYPE_ADDRESSES)
		print_addresses(at, out);
	else
		print_strings(at, out);
	putc('}', out);
}

void field_print(const struct config_option *o, const void *at, FILE *out)
{
	const unsigned *number;
	const size_t *size;
	const int64_t *duration_ms;
	const bool *flag;
	char *const *text;

	switch (o->type) {
	case TYPE_INTEGER:
	case TYPE_AUTO_INTEGER:
		number = at;
		print_number(o, *number, out);
		return;
	case TYPE_SIZE:
		size = at;
		print_number(o, *size, out);
		return;
	case TYPE_DURATION:
		duration_ms = at;
		print_number(o, (uint64_t)*duration_ms, out);
		return;
	case TYPE_SHARE:
		number = at;
		print_number(o, *number, out);
		return;
	case TYPE_BOOLEAN:
		flag = at;
		fputs(*flag ? "yes" : "no", out);
		return;
	case TYPE_CHOICE:
		print_choice(o, at, out);
		return;
	case TYPE_STRING:
	case TYPE_TOKEN:
		text = at;
		field_print_string(*text, out);
		return;
	case TYPE_PARENT:
		print_parent(at, out);
		return;
	case TYPE_RESOLVER:
		print_resolver(at, out);
		return;
	case TYPE_STRINGS:
	case TYPE_TOKENS:
	case TYPE_PORTS:
	case TYPE_NETWORKS:
	case TYPE_ADDRESSES:
		print_list(o, at, out);
		return;
	}
}
