/* SPDX-License-Identifier: Apache-2.0 */
/* publish.h - absolute totals to Redis and true rolling sums back, one script call per published
 * key.
 *
 * Store's thread only. Repeats, reorderings and lost answers are harmless, because a total that
 * Redis already has changes nothing there. Redis that lost totals shows in the chain of sequence
 * numbers and in the generation of the sums: then everything live is published again. */
#ifndef TOLL_ENFORCER_PUBLISH_H
#define TOLL_ENFORCER_PUBLISH_H

#include "exporters/enforcer/clock.h"
#include "exporters/enforcer/counters.h"
#include "exporters/enforcer/totals/totals.h"
#include "net/redis.h"

#define TOLL_JOBS_MAX  128 /* in one pipeline */
#define TOLL_PAIRS_MAX 4096

struct toll_pair_out {
	int64_t index;
	toll_i128 nano;
};

/* One script call on its way. */
struct toll_publish_job {
	struct toll_service *service;
	uint32_t window;
	uint64_t seq, prev;
	uint32_t pair_first, pair_count; /* 0: only roll and read */
};

struct toll_publisher {
	struct toll_redis redis;
	struct toll_totals *totals;
	const struct toll_rules *rules;
	struct toll_counters *counters;
	const char *instance;
	const struct toll_test_clock *clock;
	uint64_t seq;
	uint64_t clock_ms;      /* Redis's clock as last told ... */
	uint64_t clock_mono_ns; /* ... at this moment */
	uint64_t skew_ms;       /* largest difference of its nodes' clocks since it was last told */
	uint64_t epoch;         /* of the connection, when all acknowledged totals were last sure */
	bool lost;              /* a loss was found: publish again soon */
	struct toll_command command;
	char text[96 * 1024];
	size_t text_len;
	struct toll_publish_job jobs[TOLL_JOBS_MAX];
	struct toll_pair_out pairs[TOLL_PAIRS_MAX];
	uint32_t job_count, pair_count;
};

/* Redis's clock now, as far as we know it. */
uint64_t toll_publisher_redis_ms(const struct toll_publisher *p);
/* The same, or the test clock. */
uint64_t toll_publisher_clock_ms(const struct toll_publisher *p);
/* The clock argument of a script: empty, so that Redis takes its own, or the test clock. */
#define TOLL_CLOCK_TEXT 24
struct toll_slice toll_publisher_clock_text(const struct toll_publisher *p,
                                            char buf[TOLL_CLOCK_TEXT]);
void toll_publisher_set_clock(struct toll_publisher *p, uint64_t redis_ms);

/* Everything that changed. *ret_published: how many keys. TOLL_EDOWN: the connection broke. */
int toll_publish_round(struct toll_publisher *p, uint32_t *ret_published) TOLL_MUST_CHECK;

/* Roll and read one key: sends; the answer is taken by toll_publish_receive() in the same order. */
int toll_publish_peek(struct toll_publisher *p, struct toll_service *s, uint32_t window,
                      struct toll_publish_job *ret) TOLL_MUST_CHECK;
int toll_publish_receive(struct toll_publisher *p,
                         const struct toll_publish_job *job) TOLL_MUST_CHECK;

/* Takes an answer of publish.lua in: acknowledged totals, chain, reading. For tests as well. */
void toll_publish_apply(struct toll_publisher *p, const struct toll_publish_job *job,
                        const redisReply *reply);

/* Picodollars of the day that Redis has not acknowledged. */
toll_i128 toll_publish_waiting_pico(struct toll_totals *t);

#endif
