/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/trace.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cost/money.h"
#include "proto/attr.h"
#include "proto/json_write.h"

#define RING_SIZE  32
#define TEXT_SIZE  4096
#define ATTRS_MAX  128 /* further ones are not looked at */
#define VALUE_MAX  64
#define NUMBER_MAX 33 /* toll_json_double() and a zero */

struct toll_traced {
	char text[TEXT_SIZE]; /* cut where it is full */
	size_t len;
	uint32_t span; /* in the batch */
	/* The span before the processor that comes. */
	struct toll_attr attrs[ATTRS_MAX], resource_attrs[ATTRS_MAX];
	uint32_t attr_count, resource_attr_count;
	uint8_t dropped, cost_state;
	int64_t cost_pico;
};

struct toll_trace {
	atomic_uint every;
	_Atomic uint64_t seen;
	pthread_mutex_t lock; /* guards the ring and watchers */
	unsigned watchers;
	struct toll_traced *ring[RING_SIZE];
	uint64_t count; /* ever put in */
};

/* ---- text ---- */

static void put(struct toll_traced *d, const char *fmt, ...) TOLL_PRINTF(2, 3);

static void put(struct toll_traced *d, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(d->text + d->len, sizeof(d->text) - d->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(d->text) - d->len)
		d->len = sizeof(d->text) - 1;
	else
		d->len += (size_t)n;
}

/* From the wire: nothing of it may look like a line of ours. */
static void put_wire(struct toll_traced *d, struct toll_slice s)
{
	size_t begin = d->len;

	put(d, "%.*s%s", (int)(s.len < VALUE_MAX ? s.len : VALUE_MAX), s.ptr ? s.ptr : "",
	    s.len > VALUE_MAX ? "..." : "");
	for (size_t i = begin; i < d->len; i++)
		if ((unsigned char)d->text[i] < 0x20 || d->text[i] == 0x7f)
			d->text[i] = '?';
}

static void put_value(struct toll_traced *d, const struct toll_attr *a)
{
	struct toll_value v = toll_value_decode(toll_attr_value(a));
	char number[NUMBER_MAX];

	switch (v.type) {
	case TOLL_VALUE_STRING:
		put_wire(d, v.bytes);
		break;
	case TOLL_VALUE_BOOL:
		put(d, "%s", v.integer ? "true" : "false");
		break;
	case TOLL_VALUE_INT:
		put(d, "%" PRId64, v.integer);
		break;
	case TOLL_VALUE_DOUBLE:
		*toll_json_double(number, v.number) = '\0';
		put(d, "%s", number);
		break;
	default:
		put(d, "(%zu bytes)", v.bytes.len);
	}
}

static void put_attr(struct toll_traced *d, const char *what, const struct toll_attr *a)
{
	put(d, "      %s ", what);
	put_wire(d, toll_attr_key(a));
	if (a->state != TOLL_ATTR_DELETED) {
		put(d, " = ");
		put_value(d, a);
	}
	put(d, "\n");
}

/* ---- differences ---- */

static uint32_t remember(struct toll_attr to[ATTRS_MAX], const struct toll_node *n)
{
	uint32_t count = n->attr_count < ATTRS_MAX ? n->attr_count : ATTRS_MAX;

	if (count)
		memcpy(to, n->attrs, count * sizeof(*to));
	return count;
}

static void remember_span(struct toll_traced *d, const struct toll_batch *b)
{
	const struct toll_span *s = &b->spans[d->span];

	d->attr_count = remember(d->attrs, &s->node);
	d->resource_attr_count = remember(d->resource_attrs, &b->resources[s->resource].node);
	d->dropped = s->dropped;
	d->cost_state = s->cost_state;
	d->cost_pico = s->cost_pico;
}

/* Attributes keep their places: one that is changed or deleted says so, new ones come behind. */
static void put_attrs(struct toll_traced *d, const char *of, const struct toll_attr *before,
                      uint32_t before_count, const struct toll_node *now)
{
	char what[32];

	for (uint32_t i = 0; i < now->attr_count && i < ATTRS_MAX; i++) {
		const struct toll_attr *a = &now->attrs[i];
		bool is_new = i >= before_count, deleted = a->state == TOLL_ATTR_DELETED;

		if (is_new ? deleted
		           : a->element == before[i].element && a->state == before[i].state)
			continue;
		snprintf(what, sizeof(what), "%s%s", deleted ? "- " : is_new ? "+ " : "~ ", of);
		put_attr(d, what, a);
	}
}

static void put_cost(struct toll_traced *d, const struct toll_span *s)
{
	static const char *const states[] = { "unpriced", "free", "priced" };
	char money[TOLL_MONEY_TEXT];

	if (s->cost_state == d->cost_state && s->cost_pico == d->cost_pico)
		return;
	toll_money_print(s->cost_pico, money);
	put(d, "      cost: %s, %s USD\n", states[s->cost_state % TOLL_COUNT(states)], money);
}

void toll_traced_step(struct toll_traced *d, const struct toll_batch *b, const char *processor,
                      uint64_t ns, int err)
{
	const struct toll_span *s = &b->spans[d->span];

	put(d, "  %s  %" PRIu64 " ns for %u spans\n", processor, ns, b->span_count);
	put_attrs(d, "", d->attrs, d->attr_count, &s->node);
	put_attrs(d, "resource ", d->resource_attrs, d->resource_attr_count,
	          &b->resources[s->resource].node);
	put_cost(d, s);
	if (s->dropped && !d->dropped)
		put(d, "      dropped\n");
	if (err)
		put(d, "      refused the batch: %s\n", toll_err_text(err));
	remember_span(d, b);
}

/* ---- the ring ---- */

static bool wants(struct toll_trace *t)
{
	unsigned every = atomic_load_explicit(&t->every, memory_order_relaxed);

	return every && atomic_fetch_add_explicit(&t->seen, 1, memory_order_relaxed) % every == 0;
}

static void put_head(struct toll_traced *d, const char *pipeline, const struct toll_batch *b)
{
	const struct toll_span *s = &b->spans[d->span];
	char when[32];

	put(d, "%s  %.100s  ", toll_clock_rfc3339(toll_clock_wall_ns(), 1, when, sizeof(when)),
	    pipeline);
	for (int i = 0; s->trace_id && i < 16; i++)
		put(d, "%02x", s->trace_id[i]);
	put(d, "  ");
	put_wire(d, b->resources[s->resource].service);
	put(d, ": ");
	put_wire(d, s->name);
	put(d, "\n");
}

struct toll_traced *toll_trace_begin(struct toll_trace *t, const char *pipeline,
                                     const struct toll_batch *b)
{
	struct toll_traced *d;
	uint32_t i = 0;

	if (!wants(t))
		return NULL;
	while (i < b->span_count && b->spans[i].dropped)
		i++;
	d = i < b->span_count ? malloc(sizeof(*d)) : NULL;
	if (!d)
		return NULL;
	d->len = 0;
	d->span = i;
	put_head(d, pipeline, b);
	remember_span(d, b);
	return d;
}

void toll_trace_end(struct toll_trace *t, struct toll_traced *take_traced)
{
	struct toll_traced **place, *old;

	if (!take_traced)
		return;
	pthread_mutex_lock(&t->lock);
	place = &t->ring[t->count++ % RING_SIZE];
	old = *place;
	*place = take_traced;
	pthread_mutex_unlock(&t->lock);
	free(old);
}

int toll_trace_print(struct toll_trace *t, FILE *out)
{
	pthread_mutex_lock(&t->lock);
	for (uint64_t n = t->count; n > 0 && t->count - n < RING_SIZE; n--)
		fprintf(out, "%s\n", t->ring[(n - 1) % RING_SIZE]->text);
	pthread_mutex_unlock(&t->lock);
	return ferror(out) ? TOLL_EINTERNAL : 0;
}

/* ---- life ---- */

void toll_trace_watch(struct toll_trace *t, uint32_t every)
{
	pthread_mutex_lock(&t->lock);
	t->watchers++;
	atomic_store_explicit(&t->every, every, memory_order_relaxed);
	pthread_mutex_unlock(&t->lock);
}

void toll_trace_unwatch(struct toll_trace *t)
{
	pthread_mutex_lock(&t->lock);
	if (--t->watchers == 0)
		atomic_store_explicit(&t->every, 0, memory_order_relaxed);
	pthread_mutex_unlock(&t->lock);
}

struct toll_trace *toll_trace_new(void)
{
	struct toll_trace *t = calloc(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct toll_trace *toll_trace_free(struct toll_trace *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < RING_SIZE; i++)
		free(t->ring[i]);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}
