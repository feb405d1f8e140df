/* SPDX-License-Identifier: Apache-2.0 */
/* flags.h - who is throttled now: the copy in this process from which meshes are answered.
 *
 * The named service "flags" of the host, published by exporters/enforcer as a struct
 * toll_flag_source. Readers ask on any thread; whoever knows better publishes a whole table. A copy
 * that is too old answers "allow": a mesh is never stopped by what nobody stands for any more.
 *
 * A subject is named by its key (docs/architecture.md): a service by its encoded name alone,
 * anything else as "dimension:value" joined by ':' with every value encoded (cost/name.h). */
#ifndef TOLL_BUDGET_FLAGS_H
#define TOLL_BUDGET_FLAGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "base/snapshot.h"
#include "budget/subject_max.h"
#include "cost/money.h"
#include "cost/window.h"

enum toll_flag_reason { TOLL_FLAG_BUDGET = 0, TOLL_FLAG_FAST_TRIP, TOLL_FLAG_OVERRIDE };
#define TOLL_FLAG_REASONS 3
const char *toll_flag_reason_name(enum toll_flag_reason reason); /* "budget" */

/* OpenTelemetry semantic conventions, resource attribute service.criticality. */
enum toll_criticality {
	TOLL_CRITICALITY_UNKNOWN = 0,
	TOLL_CRITICALITY_LOW,
	TOLL_CRITICALITY_MEDIUM,
	TOLL_CRITICALITY_HIGH,
	TOLL_CRITICALITY_CRITICAL
};
const char *toll_criticality_name(enum toll_criticality c); /* "high"; unknown: "" */
enum toll_criticality toll_criticality_parse(struct toll_slice text);

/* The share of requests of one class that passes where `allowed` of all requests may: the least
 * critical quarter of the scale is shed first, critical requests last. Unknown counts as medium. */
double toll_criticality_share(enum toll_criticality c, double allowed);

#define TOLL_FLAG_WINDOW TOLL_WINDOW_NAME /* "24h", "month" */

/* Of one subject; only those that are throttled, overridden or of a known criticality have one. */
struct toll_flag {
	struct toll_slice subject; /* key; borrowed */
	bool throttled;
	bool override_allow;    /* then not throttled: somebody said so */
	double allowed;         /* share of requests that may pass, 0..1; 0 unless graded */
	uint64_t until_ms;      /* Unix ms, this machine's clock: the flag ends by itself */
	uint32_t retry_after_s; /* before that nothing can change by itself */
	enum toll_flag_reason reason;
	enum toll_criticality criticality; /* of the service */
	toll_i128 spent_nano;
	int64_t limit_pico;
	char window[TOLL_FLAG_WINDOW];
};

/* ---- asking ---- */

#define TOLL_QUESTION_MAX 8
struct toll_flag_question {
	/* What is known of the request, values as on the wire (not encoded); at most one value of
	 * each dimension. Every subject that is made of these is looked at. */
	struct {
		struct toll_slice dimension, value;
	} at[TOLL_QUESTION_MAX];
	unsigned count;
	enum toll_criticality criticality; /* of the request; unknown: that of its service */
	uint64_t dice;                     /* any random bits: decides about a graded flag */
};

struct toll_flag_answer {
	bool allow;
	bool stale; /* the copy is older than max_age: allowed */
	/* What follows is of the most restrictive flag there is, also when the dice let the request
	 * pass; subject is "" when there is none. */
	double allowed; /* share of requests of this criticality that pass */
	uint32_t retry_after_s;
	uint64_t until_ms;
	enum toll_flag_reason reason;
	char subject[TOLL_SUBJECT_MAX + 1];
	toll_i128 spent_nano;
	int64_t limit_pico;
	char window[TOLL_FLAG_WINDOW];
};

struct toll_flag_source {
	struct toll_flag_source *kept; /* answers instead: it outlives this one; NULL: this one */
	struct toll_snapshot table;
	_Atomic uint64_t heard_mono_ns; /* when the store was last heard; 0: never */
};

/* Any thread, no allocation, below a microsecond. Most restrictive wins: the smallest allowed
 * share, then the longest retry-after. max_age_ns 0: however old the copy is. */
void toll_flags_ask(struct toll_flag_source *s, const struct toll_flag_question *q,
                    uint64_t max_age_ns, struct toll_flag_answer *ret);

/* Any thread: every flag there is, in no order. They are borrowed for the call. */
void toll_flags_each(struct toll_flag_source *s,
                     void (*row)(void *ctx, const struct toll_flag *flag), void *ctx);
/* How long ago the store was heard; UINT64_MAX: never. */
uint64_t toll_flags_age_ns(struct toll_flag_source *s);

/* ---- publishing ---- */

void toll_flag_source_init(struct toll_flag_source *s);
void toll_flag_source_release(struct toll_flag_source *s);

/* These and no others from now on; copied. Of one subject given twice the last counts. TOLL_ENOMEM:
 * what was published stays. Any thread. */
int toll_flags_publish(struct toll_flag_source *s, const struct toll_flag *flags,
                       uint32_t count) TOLL_MUST_CHECK;
/* The store has answered at this moment. Any thread; never goes back. */
void toll_flags_heard(struct toll_flag_source *s, uint64_t mono_ns);

#endif
