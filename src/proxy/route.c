/*
 * Routes: one parent, and the destinations that go without it.
 */
#include "proxy/route.h"

#include <stdlib.h>

#include "policy/pattern.h"

enum { PATTERN_BYTES_MAX = 1024 * 1024 }; /* of all no-parent patterns together */

struct routes {
	struct parent parent;      /* points into the configuration */
	struct arena arena;        /* owns the patterns' text */
	struct pattern *exempt;    /* owned */
	size_t exempt_count;
	size_t authorization_len;
	char authorization[PARENT_AUTHORIZATION_MAX];
};

static enum parent_kind kind_of(enum config_parent_kind kind)
{
	switch (kind) {
	case CONFIG_PARENT_NONE:
		return PARENT_NONE;
	case CONFIG_PARENT_HTTP:
		return PARENT_HTTP;
	case CONFIG_PARENT_SOCKS5:
		break;
	}
	return PARENT_SOCKS5;
}

static struct span text_or_none(const char *text)
{
	return text ? span_str(text) : SPAN_NONE;
}

static bool compile(struct routes *r, const struct config *c, const char **why)
{
	r->parent = (struct parent){
		.kind = kind_of(c->parent.kind),
		.host = text_or_none(c->parent.host),
		.port = c->parent.port,
		.user = text_or_none(c->parent.user),
		.password = text_or_none(c->parent.password),
	};
	*why = r->parent.kind == PARENT_NONE ? NULL : parent_check(&r->parent);
	if (*why)
		return false;
	if (r->parent.kind == PARENT_HTTP)
		r->authorization_len = parent_put_authorization(&r->parent, r->authorization);
	*why = "memory is out";
	r->exempt = calloc(c->no_parent.count + 1, sizeof(*r->exempt));
	if (!r->exempt)
		return false;
	for (; r->exempt_count < c->no_parent.count; r->exempt_count++)
		if (!pattern_compile(span_str(c->no_parent.items[r->exempt_count]), &r->arena,
			&r->exempt[r->exempt_count], why))
			return false;
	return true;
}

struct routes *routes_new(const struct config *c, const char **why)
{
	struct routes *r = calloc(1, sizeof(*r));
	static char no_room[1]; /* the arena has no memory of its own: all of it is from malloc */

	*why = "memory is out";
	if (!r)
		return NULL;
	arena_init(&r->arena, no_room, 0, PATTERN_BYTES_MAX);
	if (compile(r, c, why))
		return r;
	routes_free(r);
	return NULL;
}

void routes_free(struct routes *r)
{
	if (!r)
		return;
	arena_reset(&r->arena, 0);
	free(r->exempt);
	free(r);
}

enum route_kind routes_for(const struct routes *r, const struct target *t)
{
	if (r->parent.kind == PARENT_NONE)
		return ROUTE_DIRECT;
	for (size_t i = 0; i < r->exempt_count; i++)
		if (pattern_matches(&r->exempt[i], t))
			return ROUTE_DIRECT;
	return r->parent.kind == PARENT_HTTP ? ROUTE_HTTP_PARENT : ROUTE_SOCKS_PARENT;
}

const struct parent *routes_parent(const struct routes *r)
{
	return &r->parent;
}

struct span routes_authorization(const struct routes *r)
{
	return span_of(r->authorization, r->authorization_len);
}
