/*
 * Field names: identities, properties and lookup.  The list itself is headers.def.
 */
#ifndef FRESHET_HTTP_HEADERS_H
#define FRESHET_HTTP_HEADERS_H

#include "base/span.h"

enum header {
	HEADER_OTHER, /* not in the list: known by its spelling only */
#define HEADER(id, name, flags, where) HEADER_##id,
#include "http/headers.def"
#undef HEADER
	HEADER_COUNT
};

/* The flags of headers.def. */
enum {
	HEADER_FLAG_HOP = 1,
	HEADER_FLAG_FRAMING = 2,
	HEADER_FLAG_KEEP = 4,
	HEADER_FLAG_CACHING = 8,
	HEADER_FLAG_ROUTING = 16,
};

/* Builds the lookup table.  Call once before threads start; calling again does no harm. */
void headers_init(void);

/*
 * The identity of a field name, in any case; HEADER_OTHER where it is not in the list.  Every name that ends in
 * "-cache-control" is HEADER_TARGETED_CACHE_CONTROL (RFC 9213).
 */
enum header header_lookup(struct span name);

/* Lower-case name; "" for HEADER_OTHER. */
struct span header_name(enum header id);

/* The spelling freshet itself writes ("Cache-Control"). */
struct span header_display_name(enum header id);

extern const uint8_t header_flag_bits[HEADER_COUNT];

static inline unsigned header_flags(enum header id)
{
	return header_flag_bits[id];
}

#endif
