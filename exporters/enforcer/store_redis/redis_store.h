/* SPDX-License-Identifier: Apache-2.0 */
/* redis_store.h - the thread that keeps Redis in step: connect, publish, decide, on time. */
#ifndef TOLL_ENFORCER_REDIS_STORE_H
#define TOLL_ENFORCER_REDIS_STORE_H

#include "exporters/enforcer/store_redis/publish.h"
#include "exporters/enforcer/totals/kept.h"
#include "pipeline/component.h"

struct toll_notifier;
struct toll_redis_store;

/* Everything is borrowed and must outlive the store. NULL: out of memory. */
struct toll_redis_store *toll_redis_store_new(const struct toll_enforcer_config *config,
                                              const struct toll_component *owner,
                                              const char *instance, struct toll_totals *totals,
                                              const struct toll_rules *rules,
                                              struct toll_counters *counters);

/* Before start: works only while it has the turn of what is kept; then kept's rules, totals and
 * counters are those given to new, and follow `rules`. */
void toll_redis_store_share(struct toll_redis_store *s, struct toll_kept *kept,
                            const struct toll_rules *rules);

/* Before start: whose spans are counted (pipeline/source.h, borrowed); else TOLL_SOURCE_INLINE. */
void toll_redis_store_counts(struct toll_redis_store *s, const char *source);

/* Before start: time is what the clock says (borrowed; NULL: time is real). */
void toll_redis_store_go_by(struct toll_redis_store *s, const struct toll_test_clock *clock);

/* Before start: answers these from its thread, and keeps this log of changes. */
struct toll_requests;
struct toll_audit;
void toll_redis_store_serve(struct toll_redis_store *s, struct toll_requests *requests,
                            struct toll_audit *audit);

/* Before start: told of every change that this store makes; NULL: nobody. */
void toll_redis_store_notify(struct toll_redis_store *s, struct toll_notifier *notifier);

/* Reads certificates and starts the thread. With a sentence. */
int toll_redis_store_start(struct toll_redis_store *s, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Publishes what is left, within the deadline, and ends the thread. True: it has ended; false: it
 * hangs in a name look-up, and whatever it borrows must be left alone. Legal twice. */
bool toll_redis_store_stop(struct toll_redis_store *s, uint64_t deadline_mono_ns);

/* After a stop that returned true, or before start. Always returns NULL. */
struct toll_redis_store *toll_redis_store_free(struct toll_redis_store *s);

/* So that all daemons together stay under what one Redis takes. */
uint64_t toll_redis_interval_ns(uint64_t configured_ns, uint64_t keys, uint64_t daemons);
/* At most one flush per interval, and decisions on fresh sums: a flush that is due less than an
 * interval before the next decision waits for it. */
bool toll_redis_flush_due(uint64_t now, uint64_t flush_at, uint64_t decide_at,
                          uint64_t interval_ns);

#endif
