/* SPDX-License-Identifier: Apache-2.0 */
/* live.h - what the live table shows: spend per service sampled once a second, rates, and events.
 * One thread. */
#ifndef TOLL_CMD_LIVE_H
#define TOLL_CMD_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cost/spend.h"

#define TOLL_LIVE_SERVICES 256 /* further ones are counted, not shown */
#define TOLL_LIVE_SAMPLES  11  /* rates are over the last ten seconds */
#define TOLL_LIVE_EVENTS   8

enum toll_live_state {
	TOLL_LIVE_OK = 0,
	TOLL_LIVE_UNPRICED, /* no span of it ever had a price */
	TOLL_LIVE_OVER,     /* over the budget now; the decision is an average's */
	TOLL_LIVE_SHADOW,   /* would be throttled, were its budget enforced */
	TOLL_LIVE_THROTTLED,
};

const char *toll_live_state_name(enum toll_live_state s); /* "ok", "over", "THROTTLED" */

struct toll_live_sample {
	uint64_t mono_ns;
	toll_i128 total_pico;
	uint64_t spans;
};

struct toll_live_row {
	char service[132];
	enum toll_live_state state;
	toll_i128 rolling_pico; /* in the budget's window */
	toll_i128 total_pico;   /* since start */
	int64_t limit_pico;     /* 0: no budget */
	double ema_usd;
	uint64_t window_ns, spans, unpriced;
	/* of the last ten seconds */
	toll_i128 per_hour_pico;
	double spans_per_s;
	struct toll_live_sample samples[TOLL_LIVE_SAMPLES]; /* a ring */
	uint32_t sample_count;
};

struct toll_live_event {
	uint64_t wall_ns;
	char text[160];
};

struct toll_live {
	struct toll_live_row rows[TOLL_LIVE_SERVICES]; /* in order of spend, highest first */
	uint32_t row_count;
	uint32_t hidden; /* services beyond the table at the last sample */
	struct toll_live_row total;
	uint64_t first_mono_ns, now_mono_ns;
	struct toll_live_event events[TOLL_LIVE_EVENTS]; /* a ring */
	uint64_t event_count;
	uint64_t throttles, releases; /* how often it was seen */
};

struct toll_live *toll_live_new(void); /* NULL: out of memory */
struct toll_live *toll_live_free(struct toll_live *l);

void toll_live_sample(struct toll_live *l, struct toll_spend_source *source, uint64_t mono_ns);
void toll_live_event(struct toll_live *l, const char *fmt, ...) TOLL_PRINTF(2, 3);

#endif
