/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/file_storage/report.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cost/money.h"
#include "pipeline/host.h"
#include "pipeline/spool.h"

/* How long a loss, or a write that failed, degrades the health of the storage. */
#define DROPPED_NS (60 * TOLL_S)
#define FAILED_NS  (5 * TOLL_S)

/* ---- metrics ---- */

struct family {
	const char *name, *help;
	enum toll_metric_type type;
	const char *reason; /* a second label, or NULL; the rows of a family follow each other */
	uint64_t (*value)(const struct toll_spool *s, const struct toll_journal_stats *j);
};

#define VALUE(name, expression)                                                              \
	static uint64_t name(const struct toll_spool *s, const struct toll_journal_stats *j) \
	{                                                                                    \
		(void)s;                                                                     \
		(void)j;                                                                     \
		return expression;                                                           \
	}
VALUE(bytes, j->bytes)
VALUE(capacity, s->max_bytes)
VALUE(queued, j->queued_bytes)
VALUE(records, j->end.seq - j->begin.seq)
VALUE(spans, j->end.items - j->begin.items)
VALUE(appended, j->end.seq)
VALUE(refused_full, j->refused_full)
VALUE(refused_down, j->refused_down)
VALUE(failed_records, j->failed_records)
VALUE(syncs, j->groups)
VALUE(failed_syncs, j->failed_syncs)
VALUE(dropped, j->dropped.items)
VALUE(full, j->full)
VALUE(down, j->down)
#undef VALUE

static const struct family families[] = {
	{ "spantoll_journal_bytes", "Bytes of a pipeline's journal on disk.", TOLL_METRIC_GAUGE,
	  NULL, bytes },
	{ "spantoll_journal_capacity_bytes", "max_size of its file_storage.", TOLL_METRIC_GAUGE,
	  NULL, capacity },
	{ "spantoll_journal_queued_bytes", "Bytes that wait to be written.", TOLL_METRIC_GAUGE,
	  NULL, queued },
	{ "spantoll_journal_records", "Requests on disk, delivered ones in its files included.",
	  TOLL_METRIC_GAUGE, NULL, records },
	{ "spantoll_journal_spans", "Spans in these requests.", TOLL_METRIC_GAUGE, NULL, spans },
	{ "spantoll_journal_appended_records",
	  "Requests that became durable since the directory was made.", TOLL_METRIC_COUNTER, NULL,
	  appended },
	{ "spantoll_journal_refused_records", "Requests that were refused, by reason.",
	  TOLL_METRIC_COUNTER, "full", refused_full },
	{ "spantoll_journal_refused_records", "Requests that were refused, by reason.",
	  TOLL_METRIC_COUNTER, "down", refused_down },
	{ "spantoll_journal_failed_records", "Requests that could not be written after all.",
	  TOLL_METRIC_COUNTER, NULL, failed_records },
	{ "spantoll_journal_syncs", "Groups of requests that were synced.", TOLL_METRIC_COUNTER,
	  NULL, syncs },
	{ "spantoll_journal_failed_syncs", "Writes and syncs that failed.", TOLL_METRIC_COUNTER,
	  NULL, failed_syncs },
	{ "spantoll_journal_dropped_spans",
	  "Spans that made room before every exporter had them (when_full: drop_oldest).",
	  TOLL_METRIC_COUNTER, NULL, dropped },
	{ "spantoll_journal_full", "1 while there is no room for new requests.", TOLL_METRIC_GAUGE,
	  NULL, full },
	{ "spantoll_journal_down", "1 while the disk fails.", TOLL_METRIC_GAUGE, NULL, down },
};

static void write_samples(void *ctx, const struct toll_spool *s)
{
	struct toll_metrics_writer *w = ctx;
	struct toll_label labels[] = { { "pipeline", toll_slice_str(s->pipeline) },
		                       { "reason", toll_slice_str("") } };
	struct toll_journal_stats now;
	char money[TOLL_MONEY_TEXT];

	toll_journal_stats(s->journal, &now);
	for (size_t i = 0; i < TOLL_COUNT(families); i++) {
		const struct family *f = &families[i];

		toll_metrics_family(w, f->name, f->type, f->help);
		if (f->reason)
			labels[1].value = toll_slice_str(f->reason);
		toll_metrics_sample(w, labels, f->reason ? 2 : 1, f->value(s, &now));
	}
	toll_metrics_family(w, "spantoll_journal_dropped_usd", TOLL_METRIC_COUNTER,
	                    "What these spans had cost.");
	toll_money_print_wide(now.dropped.pico, money);
	toll_metrics_sample_text(w, labels, 1, toll_slice_str(money));
}

void toll_storage_metrics(struct toll_spools *spools, const char *directory,
                          struct toll_metrics_writer *w)
{
	toll_spools_each(spools, directory, write_samples, w);
}

/* ---- health ---- */

struct look {
	uint64_t dropped, failed;
	char why[160]; /* of the first journal that has trouble; "": none has */
};

/* Its own limit, not the disk's: one more file would be over it. */
static bool is_over_cap(const struct toll_spool *s, const struct toll_journal_stats *now)
{
	return now->segments && now->bytes + now->bytes / now->segments > s->max_bytes;
}

static void look_at(void *ctx, const struct toll_spool *s)
{
	struct look *l = ctx;
	struct toll_journal_stats now;

	toll_journal_stats(s->journal, &now);
	l->dropped += now.dropped.seq;
	l->failed += now.failed_syncs;
	if (l->why[0])
		return;
	if (now.down)
		snprintf(l->why, sizeof(l->why),
		         "the journal of %s cannot be written: clients are told to come again",
		         s->pipeline);
	else if (now.full)
		snprintf(l->why, sizeof(l->why),
		         "the journal of %s is full (%s): clients are told to come again",
		         s->pipeline, is_over_cap(s, &now) ? "max_size" : "no room on disk");
}

/* Journals come and go: fewer than before is no news. */
static void remember(struct toll_storage_event *e, uint64_t count, uint64_t until)
{
	if (count > e->count)
		e->until = until;
	e->count = count;
}

void toll_storage_look(struct toll_storage_report *r, struct toll_spools *spools,
                       const char *directory, const struct toll_component *c)
{
	struct look l = { 0 };
	uint64_t now = toll_clock_mono_ns();

	toll_spools_each(spools, directory, look_at, &l);
	remember(&r->dropped, l.dropped, now + DROPPED_NS);
	remember(&r->failed, l.failed, now + FAILED_NS);
	if (!l.why[0] && now < r->failed.until)
		snprintf(l.why, sizeof(l.why), "the disk of a journal fails: see the log");
	if (!l.why[0] && now < r->dropped.until)
		snprintf(l.why, sizeof(l.why),
		         "a journal was full: spans were dropped before every exporter had them");
	if (l.why[0])
		toll_host_set_health(c->host, c, TOLL_HEALTH_DEGRADED, l.why);
	else if (r->told)
		toll_host_set_health(c->host, c, TOLL_HEALTH_OK, NULL);
	r->told = l.why[0] != '\0';
}
