/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "cmd/spantoll/traffic.h"
#include "net/grpc_client.h"
#include "proto/otlp_answer.h"

#define METHOD           "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define FLUSH_NS         (200 * TOLL_MS) /* spans of a slow service wait at most this long */
#define TICK_NS          (10 * TOLL_MS)
#define LAG_NS           TOLL_S /* who is further behind does not catch up: no bursts */
#define CALL_NS          (10 * TOLL_S)
#define ATTEMPTS         5
#define BACKOFF_NS       (100 * TOLL_MS) /* doubles with every attempt */
#define FAILED_LIMIT     3               /* requests in a row */
#define RETRY_AFTER_MAX  (30 * TOLL_S)
#define DRAIN_NS         (30 * TOLL_S) /* for what waits when the time is over */
#define DRAIN_STOPPED_NS (5 * TOLL_S)  /* when somebody stopped the load */

enum count { TRACES, SPANS, REQUESTS, BYTES, ACCEPTED, REJECTED, FAILED, RETRIES, COUNTS };

struct answer {
	int status; /* gRPC's; -1: the call was not made */
	bool retry;
	uint64_t delay_ns; /* what the server asks for */
	uint64_t rejected;
	char why[160];
};

struct sender {
	struct toll_load *load;
	pthread_t thread;
	bool started, ready;
	struct toll_traffic *traffic;
	struct toll_grpc_client *client;
	uint64_t made;     /* spans */
	uint64_t begin_ns; /* when the first of them was due; moves on when behind */
	uint64_t flush_ns; /* when everything that waits is sent */
	uint32_t failed_in_row;
	pthread_mutex_t lock; /* guards answered, answer */
	pthread_cond_t wake;
	bool answered;
	struct answer answer;
};

struct toll_load {
	struct toll_load_settings set;
	struct sender *senders;
	_Atomic uint64_t count[COUNTS];
	_Atomic uint64_t traces_left; /* where set.traces limits them */
	atomic_uint running;
	uint64_t end_mono_ns;             /* 0: no limit */
	_Atomic uint64_t give_up_mono_ns; /* 0: not stopping */
	pthread_mutex_t lock;             /* guards stop and problem */
	pthread_cond_t wake;
	bool stop;
	char problem[160];
};

static void add(struct toll_load *l, enum count what, uint64_t n)
{
	atomic_fetch_add_explicit(&l->count[what], n, memory_order_relaxed);
}

static void note_problem(struct toll_load *l, const char *text)
{
	pthread_mutex_lock(&l->lock);
	if (!l->problem[0])
		snprintf(l->problem, sizeof(l->problem), "%s", *text ? text : "no reason given");
	pthread_mutex_unlock(&l->lock);
}

static bool stopping(struct toll_load *l)
{
	bool stop;

	pthread_mutex_lock(&l->lock);
	stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

/* From now on calls end at the latest after ns; the shortest time that was said counts. */
static void start_drain(struct toll_load *l, uint64_t ns)
{
	uint64_t at = toll_clock_mono_ns() + ns, now = atomic_load(&l->give_up_mono_ns);

	while ((!now || at < now) && !atomic_compare_exchange_weak(&l->give_up_mono_ns, &now, at))
		;
}

/* Until then or until somebody stops the load; returns whether it is stopped. */
static bool sleep_until(struct toll_load *l, uint64_t mono_ns)
{
	bool stop;

	pthread_mutex_lock(&l->lock);
	while (!l->stop && toll_clock_mono_ns() < mono_ns)
		toll_cond_wait_until(&l->wake, &l->lock, mono_ns);
	stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

/* ---- reading an answer ---- */

/* The client's thread. */
static void on_reply(void *ctx, const struct toll_grpc_reply *r)
{
	struct sender *s = ctx;
	const struct toll_rpc_status status = toll_rpc_status_read(r->details);
	const struct toll_otlp_answer response = toll_otlp_answer_read(r->response);
	struct answer a = { .status = r->status, .rejected = response.rejected };

	a.retry = toll_otlp_retryable(r->status, status.has_retry_delay);
	a.delay_ns =
		status.retry_delay_ns < RETRY_AFTER_MAX ? status.retry_delay_ns : RETRY_AFTER_MAX;
	if (r->status == 0)
		snprintf(a.why, sizeof(a.why), "%.*s", TOLL_FMT(response.message));
	else
		snprintf(a.why, sizeof(a.why), "status %d: %s", r->status, r->message);
	pthread_mutex_lock(&s->lock);
	s->answer = a;
	s->answered = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* ---- one request ---- */

static struct answer call_once(struct sender *s, struct toll_slice body, uint64_t timeout_ns)
{
	struct answer a = { .status = -1, .why = "out of memory" };

	pthread_mutex_lock(&s->lock);
	s->answered = false;
	pthread_mutex_unlock(&s->lock);
	if (toll_grpc_client_start(s->client, METHOD, body, timeout_ns, on_reply, s) < 0)
		return a;
	pthread_mutex_lock(&s->lock);
	while (!s->answered)
		toll_cond_wait_until(&s->wake, &s->lock, 0);
	a = s->answer;
	pthread_mutex_unlock(&s->lock);
	return a;
}

/* How long a call may take from now on; 0: the drain is over, nothing is called any more. */
static uint64_t time_left(struct toll_load *l, uint64_t now)
{
	uint64_t give_up = atomic_load(&l->give_up_mono_ns);

	if (!give_up)
		return CALL_NS;
	if (now >= give_up)
		return 0;
	return give_up - now < CALL_NS ? give_up - now : CALL_NS;
}

/* Tries again while the answer invites it, as an SDK does, but not beyond the end of the drain. */
static struct answer call(struct sender *s, struct toll_slice body)
{
	struct toll_load *l = s->load;
	struct answer a = { .status = -1, .why = "not sent: the time was over" };

	for (uint32_t attempt = 0; attempt < ATTEMPTS && (!attempt || a.retry); attempt++) {
		uint64_t timeout, delay = BACKOFF_NS << attempt >> 1;

		if (attempt)
			sleep_until(l, toll_clock_mono_ns() +
			                       (a.delay_ns > delay ? a.delay_ns : delay));
		timeout = time_left(l, toll_clock_mono_ns());
		if (!timeout)
			break;
		if (attempt)
			add(l, RETRIES, 1);
		a = call_once(s, body, timeout);
	}
	return a;
}

static void send_request(struct sender *s, const struct toll_traffic_request *q)
{
	struct toll_load *l = s->load;
	struct answer a = call(s, q->body);

	add(l, REQUESTS, 1);
	add(l, BYTES, q->body.len);
	if (a.rejected > q->spans)
		a.rejected = q->spans;
	if (a.status != 0 || a.rejected)
		note_problem(l, a.why);
	if (a.status != 0) {
		add(l, FAILED, q->spans);
		if (++s->failed_in_row == FAILED_LIMIT && !l->set.persistent)
			toll_load_stop(l);
		return;
	}
	s->failed_in_row = 0;
	add(l, REJECTED, a.rejected);
	add(l, ACCEPTED, q->spans - a.rejected);
}

/* ---- one sender ---- */

static bool take_trace(struct toll_load *l)
{
	uint64_t left;

	if (!l->set.traces)
		return true;
	left = atomic_load(&l->traces_left);
	while (left && !atomic_compare_exchange_weak(&l->traces_left, &left, left - 1))
		;
	return left > 0;
}

/* False when there is nothing more to make. */
static bool make_trace(struct sender *s)
{
	uint32_t spans;

	if (!take_trace(s->load))
		return false;
	spans = toll_traffic_trace(s->traffic, toll_clock_wall_ns());
	s->made += spans;
	add(s->load, TRACES, 1);
	add(s->load, SPANS, spans);
	return spans > 0;
}

/* Spans that should have been made by now. */
static uint64_t due(struct sender *s, uint64_t now)
{
	const struct toll_load_settings *set = &s->load->set;
	uint64_t share = set->rate / set->connections, passed, used;

	if (!set->rate)
		return s->made + 1;
	if (share == 0)
		share = 1;
	passed = now - s->begin_ns;
	used = s->made * TOLL_S / share; /* what has been made is worth so much time */
	if (passed > used + LAG_NS) {
		s->begin_ns += passed - used - LAG_NS;
		passed = used + LAG_NS;
	}
	return passed / TOLL_US * share / (TOLL_S / TOLL_US);
}

static void send_what_waits(struct sender *s, uint32_t min_spans)
{
	struct toll_traffic_request q;

	while (toll_traffic_take(s->traffic, min_spans, s->load->set.spans_per_request, &q))
		send_request(s, &q);
}

static bool over(struct toll_load *l, uint64_t now)
{
	return (l->end_mono_ns && now >= l->end_mono_ns) || stopping(l);
}

/* Makes what is due, sends full requests, and everything five times a second. */
static bool step(struct sender *s)
{
	struct toll_load *l = s->load;
	uint64_t now = toll_clock_mono_ns(), goal;

	if (over(l, now))
		return false;
	if (now >= s->flush_ns) {
		if (l->set.weather)
			l->set.weather(l->set.ctx, s->traffic);
		send_what_waits(s, 1);
		s->flush_ns = toll_clock_mono_ns() + FLUSH_NS;
	}
	goal = due(s, now);
	while (s->made < goal)
		if (!make_trace(s))
			return false;
	send_what_waits(s, l->set.spans_per_request);
	return !l->set.rate || !sleep_until(l, toll_clock_mono_ns() + TICK_NS);
}

static void *run_sender(void *arg)
{
	struct sender *s = arg;

	s->begin_ns = toll_clock_mono_ns();
	while (step(s))
		;
	start_drain(s->load, DRAIN_NS);
	send_what_waits(s, 1);
	atomic_fetch_sub(&s->load->running, 1);
	return NULL;
}

/* ---- life ---- */

static int start_sender(struct sender *s, struct toll_load *l, uint32_t index,
                        struct toll_error *reterr)
{
	const struct toll_traffic_settings traffic = { l->set.seed + index, l->set.services };
	const struct toll_grpc_client_settings client = { .target = l->set.endpoint,
		                                          .thread = "toll-load-rx",
		                                          .gzip = l->set.gzip };
	int err;

	s->load = l;
	s->traffic = toll_traffic_new(&traffic);
	if (!s->traffic || pthread_mutex_init(&s->lock, NULL))
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (toll_cond_init(&s->wake) < 0) {
		pthread_mutex_destroy(&s->lock);
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	}
	s->ready = true;
	err = toll_grpc_client_new(&client, &s->client, reterr);
	if (err < 0)
		return err;
	atomic_fetch_add(&l->running, 1);
	err = toll_thread_start(&s->thread, "toll-load", run_sender, s);
	s->started = err == 0;
	if (err == 0)
		return 0;
	atomic_fetch_sub(&l->running, 1);
	return toll_fail(reterr, err, "cannot start a thread");
}

static void release_sender(struct sender *s)
{
	if (s->started)
		pthread_join(s->thread, NULL);
	toll_grpc_client_free(s->client);
	toll_traffic_free(s->traffic);
	if (!s->ready)
		return;
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
}

int toll_load_new(const struct toll_load_settings *set, struct toll_load **ret,
                  struct toll_error *reterr)
{
	struct toll_load *l = calloc(1, sizeof(*l));
	int err = toll_fail(reterr, TOLL_ENOMEM, "out of memory");

	if (!l)
		return err;
	l->set = *set;
	l->traces_left = set->traces;
	l->end_mono_ns = set->duration_ns ? toll_clock_mono_ns() + set->duration_ns : 0;
	l->senders = calloc(set->connections, sizeof(*l->senders));
	if (!l->senders || pthread_mutex_init(&l->lock, NULL) || toll_cond_init(&l->wake) < 0) {
		free(l->senders);
		free(l);
		return err;
	}
	for (uint32_t i = 0; i < set->connections; i++) {
		err = start_sender(&l->senders[i], l, i, reterr);
		if (err < 0) {
			toll_load_free(l);
			return err;
		}
	}
	*ret = l;
	return 0;
}

void toll_load_stop(struct toll_load *l)
{
	start_drain(l, DRAIN_STOPPED_NS);
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_broadcast(&l->wake);
	pthread_mutex_unlock(&l->lock);
}

bool toll_load_done(struct toll_load *l)
{
	return atomic_load(&l->running) == 0;
}

void toll_load_totals(struct toll_load *l, struct toll_load_totals *ret)
{
	uint64_t n[COUNTS];

	for (int i = 0; i < COUNTS; i++)
		n[i] = atomic_load_explicit(&l->count[i], memory_order_relaxed);
	*ret = (struct toll_load_totals){ .traces = n[TRACES],
		                          .spans = n[SPANS],
		                          .requests = n[REQUESTS],
		                          .bytes = n[BYTES],
		                          .accepted = n[ACCEPTED],
		                          .rejected = n[REJECTED],
		                          .failed = n[FAILED],
		                          .retries = n[RETRIES] };
	pthread_mutex_lock(&l->lock);
	memcpy(ret->problem, l->problem, sizeof(ret->problem));
	pthread_mutex_unlock(&l->lock);
}

struct toll_load *toll_load_free(struct toll_load *l)
{
	if (!l)
		return NULL;
	toll_load_stop(l);
	for (uint32_t i = 0; i < l->set.connections; i++)
		release_sender(&l->senders[i]);
	free(l->senders);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}
