/* SPDX-License-Identifier: Apache-2.0 */
/* repeats.h - the requests that one pipeline has taken lately, known by 128 bits of their bytes: a
 * client that heard no answer sends the same bytes again, and they count once.
 *
 * A request is on its way (begin), then it is remembered or forgotten (settle). A copy that comes
 * meanwhile waits for the answer of the first. What is remembered is bounded by age and bytes, what
 * is on its way by its owners' memory. Any thread, several at once. */
#ifndef TOLL_PIPELINE_REPEATS_H
#define TOLL_PIPELINE_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "config/schema.h"
#include "pipeline/consumer.h"

struct toll_repeats;

/* deduplicate of a receiver; not at the start of its config. */
struct toll_repeats_settings {
	uint64_t max_age; /* ns */
	uint64_t max_bytes;
	bool enabled;
	bool fingerprints; /* of spans too, with the same limits again */
};

/* .name = "deduplicate", .type = TOLL_FIELD_GROUP, .group = toll_repeats_fields */
extern const struct toll_field toll_repeats_fields[];

/* Shares of max_bytes that are locked, and grow, one by one: what waits for a lock never waits for
 * all of it to be copied. */
#define TOLL_REPEATS_SHARDS 16
/* Copies that wait for one answer; more are told to come again. */
#define TOLL_REPEATS_WAITERS_MAX 16

/* A request on its way: the caller's from begin (TOLL_REPEATS_NEW) to settle. */
struct toll_repeat {
	uint64_t digest[2];
	const void *way; /* where it goes: only a copy on the same way can have the same answer */
	struct toll_repeat *next;
	struct toll_ack *waiters;
	unsigned waiter_count;
};

enum toll_repeats_state {
	TOLL_REPEATS_NEW = 0, /* the first one: settle it */
	TOLL_REPEATS_KNOWN,   /* taken before */
	TOLL_REPEATS_WAITS,   /* ack is among the waiters of the first one */
	TOLL_REPEATS_BUSY,    /* on its way, but cannot be waited for: the client must come again */
};

/* 64 random bits. */
uint64_t toll_repeats_seed(void);

/* seed: a secret, so that nobody can make two requests with one digest. Nothing is remembered
 * before the first toll_repeats_limit(). NULL: out of memory. */
struct toll_repeats *toll_repeats_new(uint64_t seed);
struct toll_repeats *toll_repeats_free(struct toll_repeats *r); /* nothing may be on its way */

/* Older than max_age is forgotten, and so are the oldest over max_bytes. */
void toll_repeats_limit(struct toll_repeats *r, uint64_t max_age_ns, uint64_t max_bytes);

/* What the bytes are called here. sender: whose they are (toll_ack); salt: on which way. */
void toll_repeats_digest(const struct toll_repeats *r, struct toll_slice bytes, uint64_t sender,
                         uint64_t salt, uint64_t ret[2]);

/* take: digest and way are set. */
enum toll_repeats_state toll_repeats_begin(struct toll_repeats *r, struct toll_repeat *take,
                                           struct toll_ack *ack) TOLL_MUST_CHECK;
/* taken: it is remembered from now on; else the next copy is a first one again. Returns those who
 * wait, one behind the other: for toll_repeats_answer(). */
struct toll_ack *toll_repeats_settle(struct toll_repeats *r, struct toll_repeat *p,
                                     bool taken) TOLL_MUST_CHECK;
/* They hear what the first one hears. NULL: nobody waits. */
void toll_repeats_answer(struct toll_ack *waiters, int err);

bool toll_repeats_knows(struct toll_repeats *r, const uint64_t digest[2]);
/* One that was taken by a process before this one, age_ns ago; the oldest first. */
void toll_repeats_remember(struct toll_repeats *r, const uint64_t digest[2], uint64_t age_ns);

struct toll_repeats_counts {
	uint64_t known, pending; /* requests */
	uint64_t bytes;          /* allocated */
	uint64_t cut;            /* forgotten before max_age, for want of room, since the start */
	uint64_t hits;           /* toll_repeats_knows() said yes */
};
void toll_repeats_count(struct toll_repeats *r, struct toll_repeats_counts *ret);

#endif
