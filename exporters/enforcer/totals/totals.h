/* SPDX-License-Identifier: Apache-2.0 */
/* totals.h - what this daemon has seen every subject of a budget spend, and what is known of it.
 * A service is the subject that every span has; the word stands for all of them here.
 *
 * One lock guards everything in here. Spans are folded in by the exporter's runner thread, one call
 * per run of spans of one resource and, where a kind of subject goes by attributes of spans, one
 * per span; the store's thread reads what to publish and writes back what it learnt. Services are
 * only forgotten by the store's thread (toll_totals_sweep), so it may hold pointers to them outside
 * the lock. */
#ifndef TOLL_ENFORCER_TOTALS_H
#define TOLL_ENFORCER_TOTALS_H

#include <pthread.h>

#include "base/hash.h"
#include "budget/control.h"
#include "budget/decision.h"
#include "budget/event.h"
#include "cost/burn.h"
#include "cost/spend.h"
#include "exporters/enforcer/totals/folded.h"

/* One published key: a subject in one window. */
struct toll_account {
	struct toll_series series;
	bool used;               /* this window is published for this subject */
	uint32_t life;           /* of the rules that opened it: one that was there before is not
	                            known any more, so what it has published is not added to */
	bool dirty;              /* the store may not have all of it */
	bool doubted;            /* nor what it has acknowledged: ask, even if all was sent */
	char generation[40];     /* of the sums our acknowledged totals are in; "": none */
	uint64_t chain;          /* sequence number of the last acknowledged publish; 0: none */
	uint64_t heard_age_ns;   /* last answer about this key (toll_age_ns_by()) */
	uint64_t settled_age_ns; /* our part of the sums was lost: no decision before */
	struct toll_reading reading; /* the store's last word, all daemons together */
	struct toll_burn burn;       /* of the readings */
};

struct toll_service {
	uint32_t kind;          /* of the rules' subjects; 0: a service */
	bool overflow;          /* the money of its kind beyond the cap on names; never forgotten */
	struct toll_slice key;  /* in key_text */
	struct toll_slice name; /* what people call it: a service decoded, else its key */
	struct toll_slice values[TOLL_SUBJECT_DIMENSIONS]; /* decoded; in name_text */
	struct toll_slice raw; /* as on the wire, when seen there; in raw_text */
	char *key_text, *name_text, *raw_text;
	uint16_t *rules; /* indexes of the matching ones; owned */
	uint32_t rule_count;
	toll_i128 total_pico; /* since start, this daemon */
	uint64_t spans, unpriced;
	bool unsaved;         /* what a checkpoint should have has changed */
	uint64_t listed_ms;   /* store: when it was last put on the shared list of names */
	uint64_t change_seen; /* store: id of the last flag change when the state was last read */
	bool candidate;       /* store: evaluated in this round */
	bool unanswered;      /* store: a commit was sent, its answer never came */
	bool announced;       /* store: the local audit log has a pending line without a second */
	enum toll_event_what announcement; /* what it was about */
	bool nudged;                       /* somebody has said something about it: look soon */
	bool must_ask;                     /* store: it was nudged before this round */
	bool throttled, shadow;
	bool capped;                       /* over its budget, but the cap holds it back */
	enum toll_override override;       /* as last read */
	uint64_t override_until_ms;        /* store memory: its end */
	enum toll_criticality criticality; /* as spans say, else other daemons */
	uint32_t over, under;              /* streaks of the shown rule */
	uint64_t until_ms;                 /* end of the flag, store's clock */
	const struct toll_rule *rule;      /* shown in spend rows, see toll_verdict */
	toll_i128 rule_nano;
	double rule_ema;
	struct toll_slots *slots;       /* store memory only; owned */
	struct toll_account accounts[]; /* one per window of the rules */
};

/* The subjects of one kind. */
struct toll_names {
	struct toll_table by_raw; /* as spans have it: index of the service */
	uint32_t count;
	uint32_t overflow; /* index */
};

struct toll_totals {
	struct toll_spend_source source; /* the host's service "spend" */
	pthread_mutex_t lock;
	const struct toll_rules *rules;
	struct toll_service **services; /* [0] is __overflow__ of services */
	uint32_t count;
	uint32_t limit; /* of each kind, overflow included */
	uint32_t room;  /* of each kind, in services and in the tables */
	struct toll_table by_key;
	struct toll_names names[TOLL_KINDS_MAX]; /* one per kind of the rules */
	uint64_t overflow_spans;                 /* went to __overflow__ */
	uint64_t refused_spans; /* priced, but the amount cannot be: counted and left out */
	toll_i128 lost_nano;    /* left the 24h window before it could be published */
	toll_i128 passed_nano;  /* others count it, see toll_totals_pass_over() */
	/* What of the journals is in here, and what of them is in the last durable checkpoint. */
	struct toll_folded folded, durable;
	uint64_t repeated_spans; /* were in here already when their record came */
	bool saves;              /* there are checkpoints: only what they have is published */
	bool unsaved;            /* something has changed since the last one ... */
	bool reshaped;           /* ... and so much that only a whole one can tell */
};

int toll_totals_init(struct toll_totals *t, const struct toll_rules *rules,
                     uint32_t max_services) TOLL_MUST_CHECK;
void toll_totals_release(struct toll_totals *t);

/* With the lock held, by who alone publishes and decides: from now on t lies as next says, which is
 * copied to rules (t's own). Windows that both have keep their buckets; a new one begins empty.
 * TOLL_ENOMEM: nothing has changed. */
int toll_totals_follow(struct toll_totals *t, struct toll_rules *rules,
                       const struct toll_rules *next, uint32_t max_services) TOLL_MUST_CHECK;

/* As if the store had nothing of it. With the lock held. */
void toll_account_forget_sent(struct toll_account *a);

/* The store's word on the sum. With the lock held. */
void toll_account_read(struct toll_account *a, struct toll_reading reading);

void toll_totals_lock(struct toll_totals *t);
void toll_totals_unlock(struct toll_totals *t);

/* ---- with the lock held ---- */

/* What a run of spans of one service adds up to. */
struct toll_run {
	toll_i128 pico;
	uint32_t spans, priced, unpriced, refused;
	enum toll_criticality criticality; /* of the service, as its resource says */
};

/* Of a subject: values, decoded, in the order of its kind. One that no budget is for is left out,
 * but for services, and for sums of many that stand for a kind. received_ms: wall clock of receipt.
 */
void toll_totals_fold_subject(struct toll_totals *t, uint32_t kind, const struct toll_slice *values,
                              uint64_t received_ms, const struct toll_run *run);
/* A service: what was refused is counted here, once. */
void toll_totals_fold(struct toll_totals *t, struct toll_slice service, uint64_t received_ms,
                      const struct toll_run *run);

/* A subject that other daemons publish. NULL: no budget of ours is for it, three quarters of the
 * room is taken, which the names seen here need more, or out of memory. */
struct toll_service *toll_totals_meet(struct toll_totals *t, struct toll_slice key);

/* Store's thread, when a table is nearly full: forgets subjects without live totals, flags or
 * averages. */
void toll_totals_sweep(struct toll_totals *t);

/* Store's thread: what is not published is others' to publish, and is not published later. Takes
 * the lock. now_ms: the store's clock. */
void toll_totals_pass_over(struct toll_totals *t, uint64_t now_ms);

/* Drops what left the window that ends at bucket `current`, counting what was never published. */
void toll_totals_prune(struct toll_totals *t, struct toll_account *a, const struct toll_window *w,
                       int64_t current);

#endif
