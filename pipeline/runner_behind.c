/* SPDX-License-Identifier: Apache-2.0 */
/* runner_behind.c - how far a runner is behind its journals, for people. */
#include <stdio.h>

#include "base/clock.h"
#include "pipeline/host.h"
#include "pipeline/runner_private.h"
#include "pipeline/spool.h"
#include "proto/batch.h"

/* Under the lock. */
static struct toll_journal_mark behind(struct toll_lane *l)
{
	const struct toll_journal_mark end = toll_journal_end(l->spool->journal);

	if (!l->begun) /* another one moves it */
		l->done = toll_journal_cursor_mark(l->cursor);
	return toll_lane_behind(l, end);
}

static struct toll_journal_mark sum(struct toll_journal_mark a, struct toll_journal_mark b)
{
	return (struct toll_journal_mark){ a.seq + b.seq, a.items + b.items, a.pico + b.pico };
}

struct toll_lost toll_runner_stays(struct toll_runner *r)
{
	struct toll_journal_mark all = { 0 };

	for (unsigned i = 0; i < r->lane_count; i++)
		if (!r->lanes[i]->ended)
			all = sum(all, behind(r->lanes[i]));
	return toll_lane_as_lost(&all);
}

void toll_runner_lag(struct toll_runner *r, unsigned lane, struct toll_journal_mark *ret_behind)
{
	pthread_mutex_lock(&r->lock);
	*ret_behind = behind(r->lanes[lane]);
	pthread_mutex_unlock(&r->lock);
}

/* Since the oldest that is not done had been received; 0: all is done, or nothing is known yet. */
static uint64_t age_ms(const struct toll_lane *l, uint64_t now_ms)
{
	uint64_t oldest = l->first ? l->first->batch->received_wall_ms : l->newest_ms;

	if (l->done.seq >= l->known.seq || !oldest || now_ms < oldest)
		return 0;
	return now_ms - oldest;
}

static uint64_t oldest_ms(const struct toll_runner *r)
{
	const uint64_t now_ms = toll_clock_wall_ms();
	uint64_t most = 0;

	for (unsigned i = 0; i < r->lane_count; i++) {
		uint64_t age = age_ms(r->lanes[i], now_ms);

		if (age > most)
			most = age;
	}
	return most;
}

/* ---- metrics: the scraping thread ---- */

static void write_lost(struct toll_metrics_writer *w, struct toll_slice exporter,
                       const char *reason, const struct toll_journal_mark *lost)
{
	const struct toll_label labels[] = { { "exporter", exporter },
		                             { "reason", toll_slice_str(reason) } };
	char usd[TOLL_MONEY_TEXT];

	toll_money_print_wide(lost->pico, usd);
	toll_metrics_sample_text(w, labels, 2, toll_slice_str(usd));
}

static void collect(struct toll_metrics_source *self, struct toll_metrics_writer *w)
{
	struct toll_runner *r = toll_container_of(self, struct toll_runner, behind);
	const struct toll_label label = { "exporter", toll_slice_str(r->exporter->super.id.text) };
	struct toll_journal_mark all = { 0 }, gaps = { 0 }, undecodable = { 0 };
	uint64_t ms;
	char text[TOLL_MONEY_TEXT];

	pthread_mutex_lock(&r->lock);
	ms = oldest_ms(r);
	for (unsigned i = 0; i < r->lane_count; i++) {
		all = sum(all, behind(r->lanes[i]));
		gaps = sum(gaps, r->lanes[i]->lost[TOLL_LANE_GAP]);
		undecodable = sum(undecodable, r->lanes[i]->lost[TOLL_LANE_UNDECODABLE]);
	}
	pthread_mutex_unlock(&r->lock);
	toll_metrics_family(w, "spantoll_exporter_behind_spans", TOLL_METRIC_GAUGE,
	                    "Spans in the journal that the exporter has not answered for.");
	toll_metrics_sample(w, &label, 1, all.items);
	toll_metrics_family(w, "spantoll_exporter_behind_usd", TOLL_METRIC_GAUGE,
	                    "What those spans cost.");
	toll_money_print_wide(all.pico, text);
	toll_metrics_sample_text(w, &label, 1, toll_slice_str(text));
	toll_metrics_family(w, "spantoll_exporter_behind_seconds", TOLL_METRIC_GAUGE,
	                    "Since the oldest of them was received.");
	snprintf(text, sizeof(text), "%llu.%03llu", (unsigned long long)(ms / 1000),
	         (unsigned long long)(ms % 1000));
	toll_metrics_sample_text(w, &label, 1, toll_slice_str(text));
	toll_metrics_family(w, "spantoll_exporter_journal_lost_usd", TOLL_METRIC_COUNTER,
	                    "What spans cost that the journal could not give back.");
	write_lost(w, label.value, "gap", &gaps);
	write_lost(w, label.value, "undecodable", &undecodable);
}

void toll_runner_show_lanes(struct toll_runner *r)
{
	struct toll_host *h = r->exporter->super.host;

	if (!r->lane_count || !h || r->is_shown)
		return;
	r->behind.collect = collect;
	r->is_shown = true;
	toll_host_metrics_add(h, &r->behind);
}

void toll_runner_hide_lanes(struct toll_runner *r)
{
	if (r->is_shown)
		toll_host_metrics_remove(r->exporter->super.host, &r->behind);
	r->is_shown = false;
}
