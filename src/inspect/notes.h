/*
 * What is worth saying about how a response may be cached: the lines of notes.def that apply.
 *
 * Pure.  The texts are constant; only notes_write() puts the peer's words in, and it lets nothing through that a
 * terminal could obey.
 */
#ifndef FRESHET_INSPECT_NOTES_H
#define FRESHET_INSPECT_NOTES_H

#include "inspect/caching.h"
#include "inspect/line.h"

enum note_id {
#define NOTE(id, level, field, where, condition, what, number, text) NOTE_##id,
#include "inspect/notes.def"
#undef NOTE
	NOTE_COUNT
};

enum note_level {
	NOTE_GOOD,
	NOTE_PLAIN,
	NOTE_ODD, /* probably not what was meant */
	NOTE_BAD, /* goes wrong */
};

struct note {
	enum note_id id;
	struct span what; /* points into the response */
	int64_t number;   /* seconds */
};

struct notes {
	unsigned count;
	struct note items[NOTE_COUNT];
};

void notes_take(const struct caching *c, struct notes *out);

enum note_level note_level(enum note_id id);
const char *note_level_name(enum note_level l); /* "good", "plain", "odd", "bad" */
const char *note_field(enum note_id id);        /* "" for the response as a whole */
const char *note_where(enum note_id id);        /* "RFC 9111 4.1"; may be "" */
void note_write_id(struct line *l, enum note_id id); /* "vary-any" */
void note_write(struct line *l, const struct note *n);

/* Visible ASCII as it is, everything else as "\xNN"; cut behind max bytes. */
void line_put_safe(struct line *l, struct span s, size_t max);

/* "59 s", "1 h", "2 d 3 h": the two largest units; n is not negative. */
void line_put_duration(struct line *l, int64_t n);

#endif
