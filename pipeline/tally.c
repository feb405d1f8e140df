/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/tally.h"

#include <stdlib.h>
#include <string.h>

#include "proto/sampling.h"

struct toll_tally *toll_tally_new(const char *pipeline)
{
	struct toll_tally *t = calloc(1, sizeof(*t));

	if (t)
		t->pipeline = strdup(pipeline);
	if (!t || !t->pipeline) {
		free(t);
		return NULL;
	}
	t->users = 1;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct toll_tally *toll_tally_ref(struct toll_tally *t)
{
	pthread_mutex_lock(&t->lock); /* who copies the sums copies all of it */
	t->users++;
	pthread_mutex_unlock(&t->lock);
	return t;
}

struct toll_tally *toll_tally_unref(struct toll_tally *t)
{
	unsigned left;

	if (!t)
		return NULL;
	pthread_mutex_lock(&t->lock);
	left = --t->users;
	pthread_mutex_unlock(&t->lock);
	if (left)
		return NULL;
	pthread_mutex_destroy(&t->lock);
	free(t->pipeline);
	free(t);
	return NULL;
}

static void add_span(struct toll_tally *t, const struct toll_span *s)
{
	if (s->dropped)
		return;
	switch ((enum toll_cost_state)s->cost_state) {
	case TOLL_COST_PRICED:
		t->priced++;
		t->pico += toll_span_total_pico(s);
		return;
	case TOLL_COST_FREE:
		t->free++;
		return;
	default:
		t->unpriced[s->unpriced]++;
	}
}

bool toll_tally_add(struct toll_tally *t, const struct toll_batch *batch)
{
	struct toll_tally sum = { .pico = 0 };
	uint64_t unpriced = 0;

	for (uint32_t i = 0; i < batch->span_count; i++)
		add_span(&sum, &batch->spans[i]);
	pthread_mutex_lock(&t->lock);
	t->pico += sum.pico;
	t->priced += sum.priced;
	t->free += sum.free;
	for (size_t i = 0; i < TOLL_UNPRICED_COUNT; i++) {
		t->unpriced[i] += sum.unpriced[i];
		unpriced += sum.unpriced[i];
	}
	pthread_mutex_unlock(&t->lock);
	return unpriced;
}

static struct toll_tally copy_of(struct toll_tally *t)
{
	struct toll_tally copy;

	pthread_mutex_lock(&t->lock);
	copy = *t;
	pthread_mutex_unlock(&t->lock);
	return copy;
}

static void write_spans(struct toll_metrics_writer *w, const struct toll_tally *t)
{
	const struct {
		const char *state;
		uint64_t spans;
	} rows[] = { { "priced", t->priced }, { "free", t->free } };

	for (size_t i = 0; i < TOLL_COUNT(rows); i++) {
		const struct toll_label labels[] = { { "pipeline", toll_slice_str(t->pipeline) },
			                             { "state", toll_slice_str(rows[i].state) } };

		toll_metrics_sample(w, labels, TOLL_COUNT(labels), rows[i].spans);
	}
}

static void write_unpriced(struct toll_metrics_writer *w, const struct toll_tally *t)
{
	for (size_t i = 0; i < TOLL_UNPRICED_COUNT; i++) {
		const struct toll_label labels[] = {
			{ "pipeline", toll_slice_str(t->pipeline) },
			{ "reason", toll_slice_str(toll_unpriced_label((enum toll_unpriced)i)) },
		};

		toll_metrics_sample(w, labels, TOLL_COUNT(labels), t->unpriced[i]);
	}
}

static void write_total(struct toll_metrics_writer *w, const struct toll_tally *t)
{
	const struct toll_label label = { "pipeline", toll_slice_str(t->pipeline) };
	char text[TOLL_MONEY_TEXT];
	int len = toll_money_print_wide(t->pico, text);

	toll_metrics_sample_text(w, &label, 1, toll_slice(text, (size_t)len));
}

void toll_tally_write(struct toll_metrics_writer *w, struct toll_tally *const *tallies,
                      size_t count)
{
	static const struct {
		const char *name, *help;
		enum toll_metric_type type;
		void (*write)(struct toll_metrics_writer *w, const struct toll_tally *t);
	} families[] = {
		/* A gauge by type only: its name is fixed, and counters may have to end in _total.
		 */
		{ "cost_total_usd", "Exact cost of all priced spans since start.",
		  TOLL_METRIC_GAUGE, write_total },
		{ "spantoll_priced_spans", "Spans with an amount, or explicitly free.",
		  TOLL_METRIC_COUNTER, write_spans },
		{ "spantoll_unpriced_spans", "Spans that carry cost.error, by reason.",
		  TOLL_METRIC_COUNTER, write_unpriced },
	};

	for (size_t f = 0; f < TOLL_COUNT(families); f++) {
		toll_metrics_family(w, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; i < count; i++) {
			struct toll_tally t = copy_of(tallies[i]);

			families[f].write(w, &t);
		}
	}
}
