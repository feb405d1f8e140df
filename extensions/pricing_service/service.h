/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - what the files of this component share. */
#ifndef TOLL_EXTENSIONS_PRICING_SERVICE_SERVICE_H
#define TOLL_EXTENSIONS_PRICING_SERVICE_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "cost/pricebook.h"
#include "net/grpc_stream.h"
#include "net/tls_server.h"
#include "pipeline/component.h"
#include "pipeline/metrics.h"
#include "pipeline/server_tls.h"
#include "prices/feed.h"

enum {
	TOLL_GRPC_INVALID_ARGUMENT = 3,
	TOLL_GRPC_NOT_FOUND = 5,
	TOLL_GRPC_RESOURCE_EXHAUSTED = 8,
	TOLL_GRPC_FAILED_PRECONDITION = 9,
	TOLL_GRPC_UNIMPLEMENTED = 12,
	TOLL_GRPC_INTERNAL = 13,
	TOLL_GRPC_UNAVAILABLE = 14,
};

#define TOLL_PRICING_NO_BOOK "there are no prices yet"

enum { TOLL_PRICING_REQUEST_MAX = 64 * 1024 }; /* bytes of a request */

enum toll_pricing_method {
	TOLL_PRICING_GET_COST = 0,
	TOLL_PRICING_GET_PRICE_BOOK,
	TOLL_PRICING_WATCH_PRICE_BOOK,
	TOLL_PRICING_PRE_REFRESH,
	TOLL_PRICING_METHODS,
};

struct toll_pricing_config {
	struct toll_slice endpoint, book;
	uint64_t heartbeat; /* ns */
	int64_t max_watchers;
	struct toll_server_tls tls;
};

/* A call that stays: a stream, or one that waits for a refresh. It lies in the call. */
struct toll_pricing_caller {
	struct toll_pricing_caller *prev, *next;
	bool linked;
	bool sending, due;                  /* a message is on its way; another one has to follow */
	char version[TOLL_EDITION_VERSION]; /* that it has, or that is on its way */
};

/* The documents of one version, packed once for all that ask. */
struct toll_pricing_body {
	struct toll_shared shared;
	char version[TOLL_EDITION_VERSION];
	size_t len;
	char bytes[];
};

/* protobuf-c takes char *, and does not write to it. */
static inline char *toll_pricing_unconst(const char *text)
{
	union {
		const char *in;
		char *out;
	} u = { .in = text };

	return u.out;
}

struct pricing_service {
	struct toll_extension super;
	const struct toll_pricing_config *config;
	struct toll_grpc_server *server;
	struct toll_grpc_method methods[TOLL_PRICING_METHODS];
	struct toll_grpc_stream_events events;
	struct toll_tls_server *tls;
	struct toll_price_feed *feed;         /* lives longer: extensions stop backwards */
	struct toll_pricebook_source *source; /* of the same pricebook */
	struct toll_price_listener listener;
	struct toll_metrics_source metrics;
	struct toll_timer *heartbeat; /* the main loop's */
	bool listening, measured;
	char setting[128], tls_setting[128];
	_Atomic uint64_t calls[TOLL_PRICING_METHODS], books;

	pthread_mutex_t lock; /* guards what follows */
	struct toll_pricing_caller *watchers, *waiting;
	unsigned watcher_count;
	struct toll_pricing_body *body; /* of the version that was asked for last */
	bool stopping;
};

/* ---- service.c ---- */

void toll_pricing_refuse(struct toll_grpc_call *c, int status, const char *why); /* why: static */
/* Copies the request out of the call; *ret_size bytes in buf. False: it was refused. */
bool toll_pricing_take(struct toll_grpc_call *c, char buf[TOLL_PRICING_REQUEST_MAX],
                       size_t *ret_size);

/* ---- message.c ---- */

#define TOLL_PRICING_HEAD_MAX 64
/* What is before the documents: version (unless they follow) and age. */
struct toll_slice toll_pricing_head(const struct pricing_service *s, const struct toll_edition *e,
                                    bool documents, char buf[TOLL_PRICING_HEAD_MAX]);
/* Under the lock: version and documents, the service's reference. NULL: out of memory. */
struct toll_pricing_body *toll_pricing_body(struct pricing_service *s,
                                            const struct toll_edition *e);

/* ---- watch.c ---- */

void toll_pricing_watch_init(struct pricing_service *s);
void toll_pricing_handle_watch(void *service, struct toll_grpc_call *c);
void toll_pricing_handle_pre_refresh(void *service, struct toll_grpc_call *c);
void toll_pricing_told(struct toll_price_listener *l, int err, const char *why);
void toll_pricing_beat(void *service);
/* Every stream ends, whoever waits is told. */
void toll_pricing_stop_callers(struct pricing_service *s);

/* ---- ask.c ---- */

void toll_pricing_handle_cost(void *service, struct toll_grpc_call *c);
void toll_pricing_handle_book(void *service, struct toll_grpc_call *c);

#endif
