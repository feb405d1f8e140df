/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/unpriced.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "proto/cost_record.h"

#define TEXT_MAX 255u
#define SLOTS    (2 * TOLL_UNPRICED_ROWS) /* a power of two, at most half full */

struct entry {
	uint64_t hash;
	struct toll_unpriced_row row; /* its texts lie behind the entry */
};

struct toll_unpriced_table {
	pthread_mutex_t lock; /* guards all of it */
	struct entry *slots[SLOTS];
	struct entry *rows[TOLL_UNPRICED_ROWS];
	uint32_t count;
	uint64_t others; /* spans without a row */
};

struct toll_unpriced_table *toll_unpriced_table_new(void)
{
	struct toll_unpriced_table *t = calloc(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct toll_unpriced_table *toll_unpriced_table_free(struct toll_unpriced_table *t)
{
	if (!t)
		return NULL;
	for (uint32_t i = 0; i < t->count; i++)
		free(t->rows[i]);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}

/* ---- adding ---- */

static struct toll_unpriced_row row_of(const struct toll_batch *b, const struct toll_span *s)
{
	const struct toll_resource *r = &b->resources[s->resource];

	return (struct toll_unpriced_row){
		.service = toll_slice_cut(r->claimed.len ? r->claimed : r->service, TEXT_MAX),
		.operation = toll_slice_cut(s->operation.len ? s->operation : s->name, TEXT_MAX),
		.model = toll_slice_cut(toll_span_dimension(b, s, TOLL_DIMENSION_MODEL), TEXT_MAX),
		.sentence = toll_slice_cut(s->cost_error, TEXT_MAX),
		.reason = (enum toll_unpriced)s->unpriced,
		.spans = 1,
		.last_ms = b->received_wall_ms,
	};
}

/* Where the sentence names what has to be priced, each of these is a row. */
static struct toll_slice missing(const struct toll_unpriced_row *r)
{
	switch (r->reason) {
	case TOLL_UNPRICED_NO_UNIT_PRICE:
	case TOLL_UNPRICED_NO_RATE:
	case TOLL_UNPRICED_NO_QUANTITY:
		return r->sentence;
	default:
		return toll_slice(NULL, 0);
	}
}

static uint64_t hash_of(const struct toll_unpriced_row *r)
{
	uint64_t hash = toll_hash_seeded(r->operation, toll_hash(r->service) + r->reason);

	hash = toll_hash_seeded(r->model, hash);
	return missing(r).len ? toll_hash_seeded(missing(r), hash) : hash;
}

static bool is_same(const struct toll_unpriced_row *a, const struct toll_unpriced_row *b)
{
	return a->reason == b->reason && toll_slice_eq(a->operation, b->operation) &&
	       toll_slice_eq(a->service, b->service) && toll_slice_eq(a->model, b->model) &&
	       toll_slice_eq(missing(a), missing(b));
}

static struct toll_slice put_text(char **at, struct toll_slice s)
{
	struct toll_slice copy = toll_slice(*at, s.len);

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

static struct entry *entry_new(const struct toll_unpriced_row *r, uint64_t hash)
{
	size_t texts = r->service.len + r->operation.len + r->model.len + r->sentence.len;
	struct entry *e = malloc(sizeof(*e) + texts);
	char *at = e ? (char *)(e + 1) : NULL;

	if (!e)
		return NULL;
	e->hash = hash;
	e->row = *r;
	e->row.service = put_text(&at, r->service);
	e->row.operation = put_text(&at, r->operation);
	e->row.model = put_text(&at, r->model);
	e->row.sentence = put_text(&at, r->sentence);
	return e;
}

static void add_row(struct toll_unpriced_table *t, const struct toll_unpriced_row *r)
{
	uint64_t hash = hash_of(r);
	uint32_t i = (uint32_t)hash % SLOTS;

	while (t->slots[i] && (t->slots[i]->hash != hash || !is_same(&t->slots[i]->row, r)))
		i = (i + 1) % SLOTS;
	if (t->slots[i]) {
		t->slots[i]->row.spans++;
		t->slots[i]->row.last_ms = r->last_ms;
		return;
	}
	if (t->count < TOLL_UNPRICED_ROWS)
		t->slots[i] = entry_new(r, hash);
	if (t->slots[i])
		t->rows[t->count++] = t->slots[i];
	else
		t->others++;
}

void toll_unpriced_table_add(struct toll_unpriced_table *t, const struct toll_batch *batch)
{
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < batch->span_count; i++) {
		const struct toll_span *s = &batch->spans[i];

		if (!s->dropped && s->cost_state == TOLL_COST_UNPRICED) {
			struct toll_unpriced_row row = row_of(batch, s);

			add_row(t, &row);
		}
	}
	pthread_mutex_unlock(&t->lock);
}

/* ---- reading ---- */

static int by_spans(const void *a, const void *b)
{
	const struct toll_unpriced_row *x = &(*(struct entry *const *)a)->row;
	const struct toll_unpriced_row *y = &(*(struct entry *const *)b)->row;

	return (x->spans < y->spans) - (x->spans > y->spans);
}

uint64_t toll_unpriced_table_each(struct toll_unpriced_table *t, uint32_t most,
                                  void (*row)(void *ctx, const struct toll_unpriced_row *r),
                                  void *ctx)
{
	uint64_t others;

	pthread_mutex_lock(&t->lock);
	others = t->others;
	qsort(t->rows, t->count, sizeof(struct entry *), by_spans);
	for (uint32_t i = 0; i < t->count; i++)
		if (i < most)
			row(ctx, &t->rows[i]->row);
		else
			others += t->rows[i]->row.spans;
	pthread_mutex_unlock(&t->lock);
	return others;
}
