/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - threads that send the shop's traffic over OTLP/gRPC at a rate and count the answers. */
#ifndef TOLL_CMD_LOAD_H
#define TOLL_CMD_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct toll_traffic;

#define TOLL_LOAD_CONNECTIONS_LIMIT 64u

struct toll_load_settings {
	const char *endpoint; /* host:port */
	uint64_t rate;        /* spans per second, all connections together; 0: as fast as answers
	                       * come */
	uint64_t duration_ns; /* 0: until stopped */
	uint64_t traces;      /* 0: no limit */
	uint32_t connections; /* each with a thread and traffic of its own */
	uint32_t spans_per_request; /* at most; slow services send fewer, five times a second */
	uint32_t services;          /* see traffic.h */
	uint64_t seed;
	bool gzip;
	bool persistent; /* goes on when the receiver is away; otherwise three failed requests in a
	                  * row end it */
	/* Before traffic is made, at least five times a second, on a sender's thread. May be NULL.
	 */
	void (*weather)(void *ctx, struct toll_traffic *t);
	void *ctx;
};

/* spans = accepted + rejected + failed once the load has ended. */
struct toll_load_totals {
	uint64_t traces, spans, requests, bytes;
	uint64_t accepted; /* the receiver said OK */
	uint64_t rejected; /* partial_success: it will never take them */
	uint64_t failed;   /* no OK after the last attempt */
	uint64_t retries;
	char problem[160]; /* the first sentence that went with rejected or failed; "" */
};

struct toll_load;

/* Sends when this returns 0. */
int toll_load_new(const struct toll_load_settings *set, struct toll_load **ret,
                  struct toll_error *reterr) TOLL_MUST_CHECK;
/* Makes no more traces; what is waiting is still sent, for at most five seconds. Any thread. */
void toll_load_stop(struct toll_load *l);
/* Everything was sent, or given up. */
bool toll_load_done(struct toll_load *l);
void toll_load_totals(struct toll_load *l, struct toll_load_totals *ret); /* any time */
/* Stops, waits, frees. Always returns NULL. */
struct toll_load *toll_load_free(struct toll_load *l);

#endif
