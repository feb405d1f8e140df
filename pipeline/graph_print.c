/* SPDX-License-Identifier: Apache-2.0 */
/* graph_print.c - the running graph for people and programs: who got how many spans, how fast, and
 * what waits. Any thread: what is read does not change, or is a counter. */
#include "config/config.h"
#include "pipeline/graph_private.h"
#include "proto/json_write.h"

#define JSON_NAME_MAX 1200 /* an id has at most 63 + 1 + 1024 bytes */

struct row {
	enum toll_kind kind;
	enum toll_stat in, out, lost;
};

static const struct row rows[] = {
	{ TOLL_RECEIVER, TOLL_STAT_RECEIVER_ACCEPTED_SPANS, TOLL_STAT_RECEIVER_ACCEPTED_SPANS,
	  TOLL_STAT_RECEIVER_REFUSED_SPANS },
	{ TOLL_PROCESSOR, TOLL_STAT_PROCESSOR_INCOMING_ITEMS, TOLL_STAT_PROCESSOR_OUTGOING_ITEMS,
	  TOLL_STAT_COUNT },
	{ TOLL_CONNECTOR, TOLL_STAT_CONNECTOR_CONSUMED_ITEMS, TOLL_STAT_CONNECTOR_PRODUCED_ITEMS,
	  TOLL_STAT_COUNT },
	{ TOLL_EXPORTER, TOLL_STAT_COUNT, TOLL_STAT_EXPORTER_SENT_SPANS,
	  TOLL_STAT_EXPORTER_SEND_FAILED_SPANS },
};

/* One component's numbers. */
struct line {
	unsigned long long in, out, lost, ns_per_span;
	unsigned long long queue, capacity, in_flight, retries; /* exporters */
};

static unsigned long long value(const struct toll_graph_part *p, enum toll_stat which)
{
	return which == TOLL_STAT_COUNT || !p->stats ? 0 : toll_stat_get(p->stats, which);
}

static struct line line_of(const struct toll_graph_part *p, const struct row *row)
{
	struct line l = { .in = value(p, row->in),
		          .out = value(p, row->out),
		          .lost = value(p, row->lost) };

	if (row->kind == TOLL_PROCESSOR) {
		l.lost = l.in > l.out ? l.in - l.out : 0;
		l.ns_per_span = l.in ? value(p, TOLL_STAT_PROCESSOR_DURATION_NS) / l.in : 0;
	}
	if (row->kind == TOLL_EXPORTER) {
		l.in = l.out + l.lost;
		l.queue = value(p, TOLL_STAT_EXPORTER_QUEUE_SIZE);
		l.capacity = value(p, TOLL_STAT_EXPORTER_QUEUE_CAPACITY);
		l.in_flight = value(p, TOLL_STAT_EXPORTER_IN_FLIGHT);
		l.retries = value(p, TOLL_STAT_EXPORTER_RETRIES);
	}
	return l;
}

/* ---- text ---- */

static void print_part(const struct toll_graph_part *p, const struct row *row, FILE *out)
{
	struct line l = line_of(p, row);

	fprintf(out, "%-10s %-24s %12llu %12llu %10llu", toll_kind_name(row->kind), p->id.text,
	        l.in, l.out, l.lost);
	if (row->kind == TOLL_PROCESSOR && l.in)
		fprintf(out, "  %llu ns/span", l.ns_per_span);
	if (row->kind == TOLL_EXPORTER)
		fprintf(out, "  queue %llu/%llu, %llu in flight, %llu retries", l.queue, l.capacity,
		        l.in_flight, l.retries);
	fputc('\n', out);
}

static void print_ids(struct toll_config_component *const *list, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? ", " : "", list[i]->id);
}

static void print_pipeline(const struct toll_config_pipeline *p, FILE *out)
{
	fprintf(out, "pipeline %s: ", p->id);
	print_ids(p->receivers, p->receiver_count, out);
	for (size_t i = 0; i < p->processor_count; i++)
		fprintf(out, " -> %s", p->processors[i]->id);
	fputs(" -> ", out);
	print_ids(p->exporters, p->exporter_count, out);
	fputc('\n', out);
}

static void print_text(const struct toll_graph *g, FILE *out)
{
	const struct toll_graph_part *p;

	fprintf(out, "%-10s %-24s %12s %12s %10s\n", "kind", "id", "spans in", "spans out", "lost");
	for (size_t i = 0; i < TOLL_COUNT(rows); i++)
		TOLL_EACH_PART(p, g, rows[i].kind)
	print_part(p, &rows[i], out);
	TOLL_EACH_PART(p, g, TOLL_EXTENSION)
	fprintf(out, "%-10s %-24s\n", toll_kind_name(TOLL_EXTENSION), p->id.text);
	for (size_t i = 0; i < g->config->pipeline_count; i++)
		print_pipeline(&g->config->pipelines[i], out);
}

/* ---- JSON ---- */

static void json_string(const char *text, FILE *out)
{
	char buf[6 * JSON_NAME_MAX + 2];
	char *end = toll_json_string(buf, toll_slice_cut(toll_slice_str(text), JSON_NAME_MAX));

	fwrite(buf, 1, (size_t)(end - buf), out);
}

static void json_part(const struct toll_graph_part *p, enum toll_kind kind, const struct row *row,
                      bool first, FILE *out)
{
	fprintf(out, "%s{\"kind\":\"%s\",\"id\":", first ? "" : ",", toll_kind_name(kind));
	json_string(p->id.text, out);
	if (row) {
		struct line l = line_of(p, row);

		fprintf(out, ",\"spans_in\":%llu,\"spans_out\":%llu,\"spans_lost\":%llu", l.in,
		        l.out, l.lost);
		if (kind == TOLL_PROCESSOR)
			fprintf(out, ",\"ns_per_span\":%llu", l.ns_per_span);
		if (kind == TOLL_EXPORTER)
			fprintf(out,
			        ",\"queue_size\":%llu,\"queue_capacity\":%llu,\"in_flight\":%llu,"
			        "\"retries\":%llu",
			        l.queue, l.capacity, l.in_flight, l.retries);
	}
	fputc('}', out);
}

static void json_ids(const char *key, struct toll_config_component *const *list, size_t count,
                     FILE *out)
{
	fprintf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < count; i++) {
		if (i)
			fputc(',', out);
		json_string(list[i]->id, out);
	}
	fputc(']', out);
}

static void json_pipeline(const struct toll_config_pipeline *p, bool first, FILE *out)
{
	fprintf(out, "%s{\"id\":", first ? "" : ",");
	json_string(p->id, out);
	json_ids("receivers", p->receivers, p->receiver_count, out);
	json_ids("processors", p->processors, p->processor_count, out);
	json_ids("exporters", p->exporters, p->exporter_count, out);
	fputc('}', out);
}

static void print_json(const struct toll_graph *g, FILE *out)
{
	const struct toll_graph_part *p;
	bool first = true;

	fputs("{\"components\":[", out);
	for (size_t i = 0; i < TOLL_COUNT(rows); i++)
		TOLL_EACH_PART(p, g, rows[i].kind)
		{
			json_part(p, rows[i].kind, &rows[i], first, out);
			first = false;
		}
	TOLL_EACH_PART(p, g, TOLL_EXTENSION)
	json_part(p, TOLL_EXTENSION, NULL, false, out);
	fputs("],\"pipelines\":[", out);
	for (size_t i = 0; i < g->config->pipeline_count; i++)
		json_pipeline(&g->config->pipelines[i], i == 0, out);
	fputs("]}\n", out);
}

int toll_graph_print(const struct toll_graph *g, enum toll_view_format format, FILE *out)
{
	if (format == TOLL_VIEW_JSON)
		print_json(g, out);
	else
		print_text(g, out);
	return ferror(out) ? TOLL_EINTERNAL : 0;
}
