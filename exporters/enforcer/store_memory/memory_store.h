/* SPDX-License-Identifier: Apache-2.0 */
/* memory_store.h - the same windows, the same rule and the same precedence without Redis: this
 * process alone. */
#ifndef TOLL_ENFORCER_MEMORY_STORE_H
#define TOLL_ENFORCER_MEMORY_STORE_H

#include "budget/flag_board.h"
#include "budget/places.h"
#include "exporters/enforcer/api/requests.h"
#include "exporters/enforcer/clock.h"
#include "exporters/enforcer/config.h"
#include "exporters/enforcer/counters.h"
#include "exporters/enforcer/decision/audit.h"
#include "exporters/enforcer/decision/runtime.h"
#include "exporters/enforcer/store_memory/memory_words.h"
#include "exporters/enforcer/totals/totals.h"

struct toll_notifier;

struct toll_memory_store {
	struct toll_totals *totals;
	const struct toll_rules *rules;
	struct toll_counters *counters;
	const char *who;
	int64_t window; /* the last one decided; -1: none */
	const struct toll_test_clock *clock;
	const struct toll_throttle_config *throttle;
	struct toll_memory_words *words;
	struct toll_flag_board *board;  /* NULL: nobody asks */
	struct toll_requests *requests; /* NULL: nobody can */
	struct toll_audit *audit;       /* NULL: there is no local log */
	const char *instance;
	uint32_t capped; /* services that the cap holds back */
	struct toll_contender *contenders;
	uint32_t contender_count, contender_room;
	struct toll_notifier *notifier; /* NULL: nobody is told */
	struct toll_runtime runtime;    /* as configured: nothing is set at run time here */
};

void toll_memory_store_release(struct toll_memory_store *m);

/* Does what people ask, rolls the sums and, once per evaluation window of the wall clock, decides.
 * Cheap when there is nothing to do; call often. */
void toll_memory_store_tick(struct toll_memory_store *m);

/* Answers a request, with the lock of the totals held. True: flags must follow. */
bool toll_memory_errand(struct toll_memory_store *m, struct toll_request *r, uint64_t now_ms);

#endif
