/*
 * A socket with a buffer, and as much HTTP/1 as both ends of the soak test need.
 *
 * Shares nothing with the proxy.  Reads strictly: what is not well-formed is told as WIRE_WRONG, never repaired.
 */
#ifndef SOAK_WIRE_H
#define SOAK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_IN_BYTES = 64 * 1024, WIRE_HEAD_MAX = 32 * 1024 };

enum wire_result {
	WIRE_OK,
	WIRE_ENDED,  /* in order, by a FIN */
	WIRE_BROKEN, /* by a reset */
	WIRE_LATE,   /* nothing came within the limit */
	WIRE_WRONG,  /* the peer sent what it must not send; `why` says it */
};

/* Memory that grows; owned. */
struct bytes {
	char *p;
	size_t n, room;
};

void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_printf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A body: of known length, or in chunks of sizes that follow from its number. */
void bytes_add_body(struct bytes *b, uint64_t id, int direction, size_t n, bool chunked);
void bytes_free(struct bytes *b);

struct wire {
	int fd;
	int limit_ms;             /* for anything to happen */
	const char *out;          /* borrowed; what is sent while reading */
	size_t out_n;
	unsigned pause_us;        /* before each read: a slow reader */
	size_t read_most;         /* bytes a read may take */
	bool send_failed;         /* by the peer's reset, which recv() will then not tell again */
	enum wire_result result;  /* how reading ended, once it did */
	const char *why;
	size_t at, n;             /* unread bytes in `in` */
	char head[WIRE_HEAD_MAX + 1]; /* the last one read, NUL-terminated */
	char in[WIRE_IN_BYTES];
};

void wire_init(struct wire *w, int fd, int limit_ms);
/* Reads more; false at the end of the stream, with result set.  Sends what is to be sent meanwhile. */
bool wire_fill(struct wire *w);
/* Sends `out` to its end, or until the peer takes no more. */
bool wire_flush(struct wire *w);
bool wire_send(struct wire *w, const void *p, size_t n);
bool wire_poll_in(struct wire *w, int ms);
void wire_reset(struct wire *w);
void wire_close(struct wire *w);

/* Up to and with the empty line.  ENDED only when not a byte had come; inside a head it is BROKEN. */
enum wire_result wire_read_head(struct wire *w);
/* How often a field occurs in `head`; its first value goes to `value`. */
unsigned head_field(const char *head, const char *name, char *value, size_t room);

/* The bytes of a body, in pieces. */
typedef bool body_sink(void *arg, const char *p, size_t n);

enum wire_result wire_read_counted(struct wire *w, uint64_t n, body_sink *sink, void *arg);
enum wire_result wire_read_chunked(struct wire *w, body_sink *sink, void *arg);
/* To the end of the stream: OK when it ended in order. */
enum wire_result wire_read_rest(struct wire *w, body_sink *sink, void *arg);

#endif
