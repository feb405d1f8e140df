/* SPDX-License-Identifier: Apache-2.0 */
/* host_metrics.c - one page of metrics: the process, every component's counters, then every source.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pipeline/host_private.h"
#include "pipeline/process.h"

struct stat_row {
	const char *name, *help;
	enum toll_metric_type type;
	enum toll_kind kind;
};

static const struct stat_row rows[] = {
#define TOLL_STAT(id, name, type, kinds, unit, help) \
	[TOLL_STAT_##id] = { name, help, TOLL_METRIC_##type, TOLL_##kinds },
#include "pipeline/stats.def"
};

int toll_host_metrics_init(struct toll_host_metrics *m)
{
	return pthread_mutex_init(&m->lock, NULL) ? TOLL_ENOMEM : 0;
}

void toll_host_metrics_release(struct toll_host_metrics *m)
{
	struct toll_host_stats *next;

	for (struct toll_host_stats *s = m->stats; s; s = next) {
		next = s->next;
		free(s);
	}
	pthread_mutex_destroy(&m->lock);
}

static struct toll_host_stats *new_stats(enum toll_kind kind, const char *id, const char *who)
{
	size_t id_size = strlen(id) + 1, who_size = strlen(who) + 1;
	struct toll_host_stats *s = calloc(1, sizeof(*s) + id_size + who_size);
	char *text;

	if (!s)
		return NULL;
	text = (char *)(s + 1);
	s->kind = kind;
	s->id = memcpy(text, id, id_size);
	s->who = memcpy(text + id_size, who, who_size);
	return s;
}

struct toll_stats *toll_host_stats_ref(struct toll_host *h, enum toll_kind kind, const char *id,
                                       const char *who)
{
	struct toll_host_stats *s, **at = &h->metrics.stats;

	pthread_mutex_lock(&h->metrics.lock);
	while ((s = *at) && (s->kind != kind || strcmp(s->id, id) != 0))
		at = &s->next;
	if (!s)
		s = *at = new_stats(kind, id, who);
	if (s)
		s->users++;
	pthread_mutex_unlock(&h->metrics.lock);
	if (!s)
		return NULL;
	toll_host_status_add(&h->status, who);
	return &s->stats;
}

void toll_host_stats_unref(struct toll_host *h, struct toll_stats *stats)
{
	struct toll_host_stats **at = &h->metrics.stats, *s;

	pthread_mutex_lock(&h->metrics.lock);
	while ((s = *at) && &s->stats != stats)
		at = &s->next;
	if (s && --s->users == 0)
		*at = s->next;
	else
		s = NULL;
	pthread_mutex_unlock(&h->metrics.lock);
	if (s)
		toll_host_status_remove(&h->status, s->who);
	free(s);
}

void toll_host_metrics_add(struct toll_host *h, struct toll_metrics_source *s)
{
	struct toll_metrics_source **end = &h->metrics.sources;

	pthread_mutex_lock(&h->metrics.lock);
	while (*end)
		end = &(*end)->next;
	s->next = NULL;
	s->tag = h->starting;
	*end = s;
	pthread_mutex_unlock(&h->metrics.lock);
}

void toll_host_metrics_remove(struct toll_host *h, struct toll_metrics_source *s)
{
	struct toll_metrics_source **at = &h->metrics.sources;

	pthread_mutex_lock(&h->metrics.lock);
	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	pthread_mutex_unlock(&h->metrics.lock);
}

void toll_host_metrics_replace(struct toll_host *h, struct toll_metrics_source *old,
                               struct toll_metrics_source *next)
{
	struct toll_metrics_source **at = &h->metrics.sources;

	pthread_mutex_lock(&h->metrics.lock);
	while (*at && *at != old)
		at = &(*at)->next;
	next->next = *at ? old->next : NULL;
	next->tag = h->starting;
	*at = next;
	pthread_mutex_unlock(&h->metrics.lock);
}

/* ---- writing, under the lock ---- */

static void write_stat(const struct toll_host_metrics *m, enum toll_stat which,
                       struct toll_metrics_writer *w)
{
	const struct stat_row *row = &rows[which];
	struct toll_label label = { toll_kind_name(row->kind), { NULL, 0 } };
	bool head = false;

	for (const struct toll_host_stats *s = m->stats; s; s = s->next) {
		if (s->kind != row->kind)
			continue;
		if (!head)
			toll_metrics_family(w, row->name, row->type, row->help);
		head = true;
		label.value = toll_slice_str(s->id);
		toll_metrics_sample(w, &label, 1, toll_stat_get(&s->stats, which));
	}
}

/* Seconds with six decimals. */
static void write_seconds(struct toll_metrics_writer *w, uint64_t ns)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%llu.%06llu", (unsigned long long)(ns / TOLL_S),
	                 (unsigned long long)(ns % TOLL_S / TOLL_US));

	toll_metrics_sample_text(w, NULL, 0, toll_slice(text, (size_t)n));
}

static void write_process(const struct toll_host *h, struct toll_metrics_writer *w)
{
	toll_metrics_family(w, "otelcol_process_uptime", TOLL_METRIC_COUNTER,
	                    "Seconds since the process started.");
	write_seconds(w, toll_clock_mono_ns() - h->started_mono_ns);
	toll_metrics_family(w, "otelcol_process_cpu_seconds", TOLL_METRIC_COUNTER,
	                    "CPU time, user and system, in seconds.");
	write_seconds(w, toll_process_cpu_ns());
	toll_metrics_family(w, "otelcol_process_memory_rss", TOLL_METRIC_GAUGE,
	                    "Resident memory in bytes.");
	toll_metrics_sample(w, NULL, 0, toll_process_rss());
}

/* What autoscalers have been told to look at: every receiver together, no labels. */
static void write_received(const struct toll_host_metrics *m, struct toll_metrics_writer *w)
{
	uint64_t sum = 0;

	for (const struct toll_host_stats *s = m->stats; s; s = s->next)
		if (s->kind == TOLL_RECEIVER)
			sum += toll_stat_get(&s->stats, TOLL_STAT_RECEIVER_ACCEPTED_SPANS);
	toll_metrics_family(w, "otel_collector_received_spans", TOLL_METRIC_COUNTER,
	                    "Spans accepted by all receivers.");
	toll_metrics_sample(w, NULL, 0, sum);
}

static void write_memory(const struct toll_memory *memory, struct toll_metrics_writer *w)
{
	toll_metrics_family(w, "spantoll_memory_used_bytes", TOLL_METRIC_GAUGE,
	                    "Bytes of data in flight charged to the budget.");
	toll_metrics_sample(w, NULL, 0, atomic_load(&memory->used));
	toll_metrics_family(w, "spantoll_memory_limit_bytes", TOLL_METRIC_GAUGE,
	                    "The budget of data in flight.");
	toll_metrics_sample(w, NULL, 0, atomic_load(&memory->limit));
}

void toll_host_metrics_write(struct toll_host *h, struct toll_metrics_writer *w)
{
	struct toll_host_metrics *m = &h->metrics;

	write_process(h, w);
	write_memory(&h->memory, w);
	pthread_mutex_lock(&m->lock);
	write_received(m, w);
	for (enum toll_stat i = 0; i < TOLL_STAT_COUNT; i++)
		write_stat(m, i, w);
	for (struct toll_metrics_source *s = m->sources; s; s = s->next)
		if (!s->tag || !atomic_load(&s->tag->hidden))
			s->collect(s, w);
	pthread_mutex_unlock(&m->lock);
}
