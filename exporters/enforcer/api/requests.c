/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/api/requests.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"

#define LINES_MAX ((size_t)16 << 20) /* bytes of one answer */

/* ---- one request ---- */

struct toll_request *toll_request_new(enum toll_request_op op)
{
	struct toll_request *r = calloc(1, sizeof(*r));

	if (r)
		r->op = op;
	return r;
}

struct toll_request *toll_request_free(struct toll_request *r)
{
	if (!r)
		return NULL;
	free(r->json);
	free(r->lines.text);
	free(r);
	return NULL;
}

int toll_request_refuse_subject(struct toll_request *r, const struct toll_subjects *known)
{
	int err = toll_subjects_check(known, toll_slice_str(r->subject), &r->error);

	if (err)
		return err;
	return toll_fail(&r->error, TOLL_EINVALID,
	                 "no budget of this daemon is for %.160s, or max_services leaves no room "
	                 "for another one",
	                 r->subject);
}

static int make_room(struct toll_answer_lines *l, size_t len)
{
	size_t room = l->room ? l->room : 4096;
	char *more;

	if (len > LINES_MAX - l->len)
		return TOLL_ETOOBIG;
	while (room < l->len + len)
		room *= 2;
	if (room == l->room)
		return 0;
	more = realloc(l->text, room);
	if (!more)
		return TOLL_ENOMEM;
	l->text = more;
	l->room = room;
	return 0;
}

int toll_answer_add(struct toll_answer_lines *l, struct toll_slice line)
{
	int err = make_room(l, line.len + 1);

	if (err)
		return err;
	if (line.len)
		memcpy(l->text + l->len, line.ptr, line.len);
	l->len += line.len;
	l->text[l->len++] = '\0';
	return 0;
}

bool toll_answer_next(const struct toll_answer_lines *l, size_t *at, struct toll_slice *ret)
{
	if (*at >= l->len)
		return false;
	*ret = toll_slice(l->text + *at, strnlen(l->text + *at, l->len - *at));
	*at += ret->len + 1;
	return true;
}

/* ---- the queue ---- */

int toll_requests_init(struct toll_requests *q)
{
	*q = (struct toll_requests){ .open = true };
	if (pthread_mutex_init(&q->lock, NULL))
		return TOLL_ENOMEM;
	if (toll_cond_init(&q->answered) == 0)
		return 0;
	pthread_mutex_destroy(&q->lock);
	return TOLL_ENOMEM;
}

void toll_requests_release(struct toll_requests *q)
{
	while (q->first) {
		struct toll_request *r = q->first;

		q->first = r->next;
		toll_request_free(r);
	}
	pthread_cond_destroy(&q->answered);
	pthread_mutex_destroy(&q->lock);
}

/* With the lock held. */
static void append(struct toll_requests *q, struct toll_request *r)
{
	struct toll_request **at = &q->first;

	while (*at)
		at = &(*at)->next;
	*at = r;
	q->count++;
}

/* With the lock held. True: answered. */
static bool wait_for(struct toll_requests *q, struct toll_request *r, uint64_t deadline)
{
	while (!r->done && toll_cond_wait_until(&q->answered, &q->lock, deadline) != TOLL_ETIMEOUT)
		;
	r->abandoned = !r->done;
	return r->done;
}

static int refuse(struct toll_request *r, struct toll_error *reterr, int err, const char *why)
{
	toll_request_free(r);
	return toll_fail(reterr, err, "%s", why);
}

int toll_requests_ask(struct toll_requests *q, struct toll_request *r, uint64_t timeout_ns,
                      struct toll_error *reterr)
{
	uint64_t deadline = toll_clock_mono_ns() + timeout_ns;
	bool open, full, answered;

	pthread_mutex_lock(&q->lock);
	open = q->open;
	full = q->count >= TOLL_REQUESTS_MAX;
	if (open && !full)
		append(q, r);
	pthread_mutex_unlock(&q->lock);
	if (!open)
		return refuse(r, reterr, TOLL_ESHUTDOWN, "the enforcer is shutting down");
	if (full)
		return refuse(r, reterr, TOLL_EFULL, "too many requests wait for the store");
	if (q->wake)
		q->wake(q->ctx);
	pthread_mutex_lock(&q->lock);
	answered = wait_for(q, r, deadline);
	pthread_mutex_unlock(&q->lock);
	if (answered)
		return 0;
	return toll_fail(reterr, TOLL_ETIMEOUT,
	                 "the store has not answered in time; it may still be done");
}

/* ---- the store's thread ---- */

/* What nobody waits for is not begun. */
struct toll_request *toll_requests_take(struct toll_requests *q)
{
	struct toll_request *r;

	pthread_mutex_lock(&q->lock);
	for (r = q->first; r && r->abandoned; r = q->first) {
		q->first = r->next;
		q->count--;
		toll_request_free(r);
	}
	if (r) {
		q->first = r->next;
		q->count--;
		r->next = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	return r;
}

void toll_requests_answer(struct toll_requests *q, struct toll_request *r)
{
	bool abandoned;

	pthread_mutex_lock(&q->lock);
	r->done = true;
	abandoned = r->abandoned;
	pthread_cond_broadcast(&q->answered);
	pthread_mutex_unlock(&q->lock);
	if (abandoned)
		toll_request_free(r);
}

void toll_requests_fail(struct toll_requests *q, bool close, int err, const char *why)
{
	struct toll_request *r;

	if (close) {
		pthread_mutex_lock(&q->lock);
		q->open = false;
		pthread_mutex_unlock(&q->lock);
	}
	while ((r = toll_requests_take(q)) != NULL) {
		r->err = toll_fail(&r->error, err, "%s", why);
		toll_requests_answer(q, r);
	}
}

void toll_requests_open(struct toll_requests *q)
{
	pthread_mutex_lock(&q->lock);
	q->open = true;
	pthread_mutex_unlock(&q->lock);
}
