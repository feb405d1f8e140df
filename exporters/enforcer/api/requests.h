/* SPDX-License-Identifier: Apache-2.0 */
/* requests.h - what people ask of an enforcer (budget/control.h), on its way to the thread of the
 * store and back. Bounded; whoever asks waits a limited time.
 *
 * A request belongs to whoever asks until it is handed in, then to the store's thread until it is
 * answered, then to whoever asked again; the thread frees what nobody waits for any more. */
#ifndef TOLL_ENFORCER_REQUESTS_H
#define TOLL_ENFORCER_REQUESTS_H

#include <pthread.h>

#include "budget/control.h"
#include "budget/event.h"
#include "budget/subject.h"

#define TOLL_REQUESTS_MAX 32

enum toll_request_op {
	TOLL_REQUEST_OVERRIDE = 0,
	TOLL_REQUEST_KILL,
	TOLL_REQUEST_IS_KILLED,
	TOLL_REQUEST_SET_BUDGET,
	TOLL_REQUEST_AUDIT,
	TOLL_REQUEST_BUDGETS
};

/* Lines of an answer, one after the other. */
struct toll_answer_lines {
	char *text; /* each ends with '\0' */
	size_t len, room;
};

struct toll_request {
	enum toll_request_op op;
	char subject[TOLL_SUBJECT_MAX + 1]; /* key; of a budget: its name */
	enum toll_override override;
	bool on;
	uint64_t ttl_s;
	uint32_t limit;
	char who[TOLL_EVENT_COMMENT], why[TOLL_EVENT_COMMENT];
	char *json; /* owned */
	/* The answer. */
	int err; /* 0, or a code that error tells of */
	struct toll_error error;
	char value[256];
	struct toll_answer_lines lines;
	/* The queue's. */
	bool done, abandoned;
	struct toll_request *next;
};

struct toll_request *toll_request_new(enum toll_request_op op); /* NULL: out of memory */
struct toll_request *toll_request_free(struct toll_request *r); /* accepts NULL; NULL */
/* Answers that no flag can be set for its subject, and why. */
int toll_request_refuse_subject(struct toll_request *r,
                                const struct toll_subjects *known) TOLL_MUST_CHECK;
int toll_answer_add(struct toll_answer_lines *l, struct toll_slice line) TOLL_MUST_CHECK;
/* From *at on; false: there are no more. */
bool toll_answer_next(const struct toll_answer_lines *l, size_t *at, struct toll_slice *ret);

struct toll_requests {
	pthread_mutex_t lock; /* guards what follows and the queue's members of requests */
	pthread_cond_t answered;
	struct toll_request *first;
	uint32_t count;
	bool open;
	void (*wake)(void *ctx); /* called when there is work; may be NULL */
	void *ctx;
};

int toll_requests_init(struct toll_requests *q) TOLL_MUST_CHECK;
void toll_requests_release(struct toll_requests *q); /* nobody asks any more */

/* 0: *r is answered (r->err may be set), the caller's again. Else it is gone: TOLL_EFULL,
 * TOLL_ESHUTDOWN, TOLL_ETIMEOUT (it may still come to pass). */
int toll_requests_ask(struct toll_requests *q, struct toll_request *r, uint64_t timeout_ns,
                      struct toll_error *reterr) TOLL_MUST_CHECK;

/* ---- the store's thread ---- */

/* NULL: there is none. */
struct toll_request *toll_requests_take(struct toll_requests *q);
void toll_requests_answer(struct toll_requests *q, struct toll_request *r);
/* All that wait are answered with this error; with `close` later ones too. */
void toll_requests_fail(struct toll_requests *q, bool close, int err, const char *why);
void toll_requests_open(struct toll_requests *q);

#endif
