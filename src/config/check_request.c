/*
 * What `freshet check` is asked to do.
 */
#include "config/check_request.h"

#include "config/value.h"

enum { ROUNDS_MAX = 1000000, DAY_MS = 24 * 3600 * 1000 };

void check_request_init(struct check_request *r)
{
	*r = (struct check_request){ .rounds = 1, .interval_ms = 10 * 1000, .timeout_ms = 30 * 1000 };
}

/* -- fields -- */

/* What would change how the request is read, not what it is for. */
static bool is_barred(struct span name)
{
	static const char *const barred[] = {
		"connection", "content-length", "expect", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer",
		"transfer-encoding", "upgrade",
	};

	for (size_t i = 0; i < sizeof(barred) / sizeof(barred[0]); i++)
		if (span_ieq(name, span_str(barred[i])))
			return true;
	return false;
}

static bool is_field_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

static const char *add_field(struct check_request *r, struct span text)
{
	size_t colon = span_find(text, ':');
	struct check_field f = { span_first(text, colon), span_trim(span_from(text, colon + 1)) };

	if (colon == text.n || !f.name.n || value_token(f.name))
		return "is not \"Name: value\"";
	if (!is_field_value(f.value))
		return "has control characters";
	if (is_barred(f.name))
		return "is about the connection, which is not to be chosen";
	if (r->field_count == CHECK_FIELDS_MAX)
		return "is one field too many";
	r->fields[r->field_count++] = f;
	return NULL;
}

/* -- places -- */

/* Takes a host, perhaps in brackets, and the colon behind it off *rest. */
static bool take_host(struct span *rest, struct span *host)
{
	bool is_bracketed = span_starts(*rest, SPAN("["));
	size_t end = span_find(*rest, is_bracketed ? ']' : ':'), colon = is_bracketed ? end + 1 : end;

	if (colon >= rest->n || rest->p[colon] != ':')
		return false;
	*host = is_bracketed ? span_of(rest->p + 1, end - 1) : span_first(*rest, end);
	*rest = span_of(rest->p + colon + 1, rest->n - colon - 1);
	return true;
}

static bool port_parse(struct span text, uint16_t *port)
{
	uint64_t n = 0;

	if (text.n && (!span_u64(text, UINT16_MAX, &n) || !n))
		return false;
	*port = (uint16_t)n;
	return true;
}

static const char *add_place(struct check_request *r, struct span text)
{
	struct check_place p;
	struct span rest = text;

	if (r->place_count == CHECK_PLACES_MAX)
		return "is one place too many";
	if (!take_host(&rest, &p.host))
		return "is not HOST:PORT:HOST:PORT";
	struct span port = span_first(rest, span_find(rest, ':'));
	if (port.n == rest.n || !port_parse(port, &p.port))
		return "is not HOST:PORT:HOST:PORT";
	rest = span_of(rest.p + port.n + 1, rest.n - port.n - 1);
	if (!take_host(&rest, &p.to_host) || !port_parse(rest, &p.to_port))
		return "is not HOST:PORT:HOST:PORT";
	r->places[r->place_count++] = p;
	return NULL;
}

/* -- all of them -- */

static const char *set_color(struct check_request *r, struct span text)
{
	size_t choice = CHECK_COLOR_AUTO;
	const char *why = value_choice(text, "auto|always|never", &choice);

	if (!why)
		r->color = (enum check_color)choice;
	return why;
}

const char *check_request_take(struct check_request *r, enum check_option option, const char *value)
{
	struct span text = value ? span_str(value) : SPAN_NONE;

	r->any_given = true;
	r->other_given |= option != CHECK_JSON;
	switch (option) {
	case CHECK_JSON:
		r->json = true;
		return NULL;
	case CHECK_ALL_ADDRESSES:
		r->all_addresses = true;
		return NULL;
	case CHECK_LOCATION:
		r->follow = true;
		return NULL;
	case CHECK_COLOR:
		return set_color(r, text);
	case CHECK_HEADER:
		return add_field(r, text);
	case CHECK_CONNECT_TO:
		return add_place(r, text);
	case CHECK_REPEAT:
		return value_integer(text, 1, ROUNDS_MAX, &r->rounds);
	case CHECK_INTERVAL:
		return value_duration(text, 0, DAY_MS, &r->interval_ms);
	case CHECK_TIMEOUT:
		return value_duration(text, 100, DAY_MS, &r->timeout_ms);
	case CHECK_OPTIONS:
		break;
	}
	return NULL;
}

void check_request_help(FILE *out)
{
#define CHECK_OPTION(id, name, argument, hint, help) \
	fprintf(out, "  --%s%s%s\n        %s\n", name, hint[0] ? "=" : "", hint, help);
#include "config/check_options.def"
#undef CHECK_OPTION
}
