/*
 * A member of the configuration, handled by the type of its option: set, clear, copy.
 */
#include "config/field.h"

#include <assert.h>
#include <stdlib.h>

#include "config/copy.h"
#include "config/value.h"
#include "http/percent.h"

_Static_assert(sizeof(enum config_mode) == sizeof(unsigned), "choices are stored as unsigned numbers");

static const char out_of_memory[] = "found no memory left";
static const char is_empty[] = "is empty";
static const char not_network[] = "is not a network, such as 10.0.0.0/8 or 2001:db8::/32";

/* Which value_parent() has found well encoded, and without NUL. */
static char *percent_decoded(struct span text)
{
	char *out = text_copy(text);
	size_t n;

	if (out && percent_decode(text, out, &n))
		out[n] = '\0';
	return out;
}

static const char *set_text(char **at, struct span text)
{
	char *copy = text_copy(text);

	if (!copy)
		return out_of_memory;
	free(*at);
	*at = copy;
	return NULL;
}

static void parent_clear(struct config_parent *parent)
{
	free(parent->host);
	free(parent->user);
	free(parent->password);
	*parent = (struct config_parent){ .kind = CONFIG_PARENT_NONE };
}

static const char *set_parent(struct config_parent *at, struct span text)
{
	struct value_parent value;
	const char *why = value_parent(text, &value);

	if (why)
		return why;
	struct config_parent p = { .kind = value.kind, .port = value.port };
	bool ok = true;
	if (value.kind != CONFIG_PARENT_NONE)
		ok = (p.host = text_copy(value.host)) != NULL;
	if (ok && value.has_credentials) {
		p.user = percent_decoded(value.user);
		p.password = percent_decoded(value.password);
		ok = p.user && p.password;
	}
	if (!ok) {
		parent_clear(&p);
		return out_of_memory;
	}
	parent_clear(at);
	*at = p;
	return NULL;
}

static const char *add_string(struct config_strings *list, struct span text)
{
	char **items = text.n ? realloc(list->items, (list->count + 1) * sizeof(*items)) : NULL;

	if (!items)
		return text.n ? out_of_memory : is_empty;
	list->items = items;
	char *copy = text_copy(text);
	if (!copy)
		return out_of_memory;
	list->items[list->count++] = copy;
	return NULL;
}

static const char *add_ports(struct config_ports *list, struct span text)
{
	struct config_port_range item;
	const char *why = value_ports(text, &item);

	if (why)
		return why;
	struct config_port_range *items = realloc(list->items, (list->count + 1) * sizeof(item));
	if (!items)
		return out_of_memory;
	items[list->count++] = item;
	list->items = items;
	return NULL;
}

static const char *add_network(struct config_networks *list, struct span text)
{
	struct network item;

	if (!network_parse(text, &item))
		return not_network;
	struct network *items = realloc(list->items, (list->count + 1) * sizeof(item));
	if (!items)
		return out_of_memory;
	items[list->count++] = item;
	list->items = items;
	return NULL;
}

static const char *add_address(struct config_addresses *list, struct span text)
{
	struct address item;
	const char *why = value_listen(text, &item);

	if (why)
		return why;
	struct address *items = realloc(list->items, (list->count + 1) * sizeof(item));
	if (!items)
		return out_of_memory;
	items[list->count++] = item;
	list->items = items;
	return NULL;
}

static const char *set_number(const struct config_option *o, unsigned *at, struct span text)
{
	uint64_t n = 0;
	bool is_auto = o->type == TYPE_AUTO_INTEGER && span_eq(text, SPAN("auto"));
	const char *why = is_auto ? NULL : value_integer(text, o->min, o->max, &n);

	if (!why)
		*at = (unsigned)n;
	return why;
}

static const char *set_size(const struct config_option *o, size_t *at, struct span text)
{
	uint64_t n;
	const char *why = value_size(text, o->min, o->max, &n);

	if (!why)
		*at = (size_t)n;
	return why;
}

static const char *set_duration(const struct config_option *o, int64_t *at, struct span text)
{
	uint64_t n;
	const char *why = value_duration(text, o->min, o->max, &n);

	if (!why)
		*at = (int64_t)n;
	return why;
}

static const char *set_share(unsigned *at, struct span text)
{
	uint64_t n;
	const char *why = value_share(text, &n);

	if (!why)
		*at = (unsigned)n;
	return why;
}

static const char *set_choice(const struct config_option *o, void *at, struct span text)
{
	size_t n;
	const char *why = value_choice(text, o->choices, &n);
	unsigned place = (unsigned)n;

	if (!why)
		memcpy(at, &place, sizeof(place));
	return why;
}

const char *field_set(const struct config_option *o, void *at, struct span text)
{
	const char *why;

	switch (o->type) {
	case TYPE_INTEGER:
	case TYPE_AUTO_INTEGER:
		return set_number(o, at, text);
	case TYPE_SIZE:
		return set_size(o, at, text);
	case TYPE_DURATION:
		return set_duration(o, at, text);
	case TYPE_SHARE:
		return set_share(at, text);
	case TYPE_BOOLEAN:
		return value_boolean(text, at);
	case TYPE_CHOICE:
		return set_choice(o, at, text);
	case TYPE_STRING:
		return set_text(at, text);
	case TYPE_TOKEN:
		why = value_token(text);
		return why ? why : set_text(at, text);
	case TYPE_PARENT:
		return set_parent(at, text);
	case TYPE_RESOLVER:
		return value_resolver(text, at);
	case TYPE_STRINGS:
		return add_string(at, text);
	case TYPE_TOKENS:
		why = value_token(text);
		return why ? why : add_string(at, text);
	case TYPE_PORTS:
		return add_ports(at, text);
	case TYPE_NETWORKS:
		return add_network(at, text);
	case TYPE_ADDRESSES:
		return add_address(at, text);
	}
	abort();
}

static void strings_clear(struct config_strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_strings){ NULL, 0 };
}

void field_clear(const struct config_option *o, void *at)
{
	char **text;
	struct config_ports *ports;
	struct config_networks *networks;
	struct config_addresses *addresses;

	switch (o->type) {
	case TYPE_INTEGER:
	case TYPE_AUTO_INTEGER:
	case TYPE_SIZE:
	case TYPE_DURATION:
	case TYPE_SHARE:
	case TYPE_BOOLEAN:
	case TYPE_CHOICE:
	case TYPE_RESOLVER:
		return;
	case TYPE_STRING:
	case TYPE_TOKEN:
		text = at;
		free(*text);
		*text = NULL;
		return;
	case TYPE_PARENT:
		parent_clear(at);
		return;
	case TYPE_STRINGS:
	case TYPE_TOKENS:
		strings_clear(at);
		return;
	case TYPE_PORTS:
		ports = at;
		free(ports->items);
		*ports = (struct config_ports){ NULL, 0 };
		return;
	case TYPE_NETWORKS:
		networks = at;
		free(networks->items);
		*networks = (struct config_networks){ NULL, 0 };
		return;
	case TYPE_ADDRESSES:
		addresses = at;
		free(addresses->items);
		*addresses = (struct config_addresses){ NULL, 0 };
		return;
	}
}

void field_copy(const struct config_option *o, void *to, const void *from)
{
	assert(o->type == TYPE_BOOLEAN || o->type == TYPE_CHOICE || o->type == TYPE_SHARE);
	memcpy(to, from, o->type == TYPE_BOOLEAN ? sizeof(bool) : sizeof(unsigned));
}
