/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what the files of this component share. */
#ifndef TOLL_EXTENSIONS_PRICEBOOK_PRIVATE_H
#define TOLL_EXTENSIONS_PRICEBOOK_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "cost/pricebook.h"
#include "extensions/pricebook/breaker.h"
#include "extensions/pricebook/loader.h"
#include "pipeline/component.h"
#include "pipeline/file_watch.h"
#include "pipeline/metrics.h"
#include "prices/feed.h"

/* Why a refresh failed: index and label of the metric. */
enum toll_refresh_failure {
	TOLL_REFRESH_OTHER = 0,
	TOLL_REFRESH_UNREACHABLE,
	TOLL_REFRESH_TIMEOUT,
	TOLL_REFRESH_STATUS,
	TOLL_REFRESH_TOO_LARGE,
	TOLL_REFRESH_INVALID,
	TOLL_REFRESH_NO_MEMORY,
	TOLL_REFRESH_FAILURES,
};

/* Of an id, over reloads (toll_host_keep). */
struct toll_pricebook_kept {
	struct toll_snapshot last; /* a toll_edition: what was published last */
	_Atomic uint64_t refreshes, unchanged, opened, cache_failures;
	_Atomic uint64_t failures[TOLL_REFRESH_FAILURES];
};

struct pricebook {
	struct toll_extension super;
	const struct toll_prices_settings *config;
	struct toll_pricebook_source source;
	struct toll_price_feed feed;
	struct toll_metrics_source metrics;
	struct toll_pricebook_kept *kept;
	struct toll_file_watch **watches; /* the main loop's */
	size_t watch_count;
	bool published, fed, measured, gated;
	char origin[512];     /* the endpoint, without its password; "" */
	uint64_t origin_hash; /* of files or endpoint */
	char *cache_path;     /* NULL: no cache */

	bool running; /* the thread; the main loop's */
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;  /* stop was set, or: */
	bool poked;           /* somebody wants a refresh now */
	struct toll_breaker breaker;
	char confirmed[TOLL_EDITION_VERSION]; /* "": none */
	bool holding;                         /* for the metrics: there is a held one */

	/* The thread's own; before it runs, the main loop's. */
	struct toll_edition *current; /* what is published */
	struct toll_http_etag etag;   /* of current */
	struct toll_edition *held;    /* compiled, waits to be confirmed */
	struct toll_http_etag held_etag;
	uint64_t cached_wall_ns; /* the sync that the cache has */
};

/* ---- recall.c: what is known before the first attempt ---- */

/* What an earlier configuration of this id, or the cache, knows already: published at once. */
void toll_pricebook_recall(struct pricebook *p);
/* What is published goes to the disk; renew: only where the disk's sync is old. */
void toll_pricebook_write_cache(struct pricebook *p);
void toll_pricebook_renew_cache(struct pricebook *p);

/* ---- hold.c: what moves prices too far ---- */

/* True: the edition (the function's from here) waits, and it is told what moves. */
bool toll_pricebook_hold(struct pricebook *p, struct toll_edition *e,
                         const struct toll_http_etag *etag);
bool toll_pricebook_is_held(const struct pricebook *p, const char *version);
void toll_pricebook_let_go(struct pricebook *p);
bool toll_pricebook_is_confirmed(struct pricebook *p, const char *version);
/* For the feed; any thread. */
void toll_pricebook_confirm(struct pricebook *p, const char *version);

/* ---- refresh.c: the thread ---- */

/* Takes a compiled edition: it is in force. */
void toll_pricebook_publish(struct pricebook *p, struct toll_edition *take_e);
/* What was held and is confirmed now gets in force. */
void toll_pricebook_settle(struct pricebook *p);

/* An attempt begins, and ends: what came is published, or the old book stays. */
void toll_pricebook_attempt(struct pricebook *p);
struct toll_pricebook_answer {
	int err; /* 0, or why there is none: */
	const char *why;
	struct toll_edition *take_edition; /* not compiled; NULL: nothing has changed */
	const struct toll_http_etag *etag; /* NULL: none */
	uint64_t sync_wall_ns;             /* when the source said so */
};
void toll_pricebook_answered(struct pricebook *p, const struct toll_pricebook_answer *a);
/* Both of files and an endpoint in HTTP. */
void toll_pricebook_refresh(struct pricebook *p);
/* How long until the next attempt; 0: never. */
uint64_t toll_pricebook_wait_ns(struct pricebook *p);

/* ---- follow.c ---- */

bool toll_pricebook_follows(const struct pricebook *p); /* its endpoint speaks gRPC */
/* One stream, from its begin to its end. */
void toll_pricebook_follow(struct pricebook *p);

/* ---- report.c ---- */

enum toll_refresh_failure toll_refresh_failure_of(int err);
void toll_pricebook_collect(struct toll_metrics_source *source, struct toll_metrics_writer *w);

#endif
