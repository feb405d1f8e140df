/* SPDX-License-Identifier: Apache-2.0 */
/* graph_print.c - the graph as a table for people: who got how many spans, and how fast. */
#include "pipeline/graph_private.h"

struct row {
	enum toll_kind kind;
	enum toll_stat in, out, lost;
};

static const struct row rows[] = {
	{ TOLL_RECEIVER, TOLL_STAT_RECEIVER_ACCEPTED_SPANS, TOLL_STAT_RECEIVER_ACCEPTED_SPANS,
	  TOLL_STAT_RECEIVER_REFUSED_SPANS },
	{ TOLL_PROCESSOR, TOLL_STAT_PROCESSOR_INCOMING_ITEMS, TOLL_STAT_PROCESSOR_OUTGOING_ITEMS,
	  TOLL_STAT_COUNT },
	{ TOLL_EXPORTER, TOLL_STAT_COUNT, TOLL_STAT_EXPORTER_SENT_SPANS,
	  TOLL_STAT_EXPORTER_SEND_FAILED_SPANS },
};

static unsigned long long value(const struct toll_graph_part *p, enum toll_stat which)
{
	return which == TOLL_STAT_COUNT || !p->stats ? 0 : toll_stat_get(p->stats, which);
}

static void print_part(const struct toll_graph_part *p, const struct row *row, FILE *out)
{
	unsigned long long in = value(p, row->in), sent = value(p, row->out);
	unsigned long long lost = value(p, row->lost);

	if (row->kind == TOLL_PROCESSOR)
		lost = in > sent ? in - sent : 0;
	if (row->kind == TOLL_EXPORTER)
		in = sent + lost;
	fprintf(out, "%-10s %-24s %12llu %12llu %10llu", toll_kind_name(row->kind), p->id.text, in,
	        sent, lost);
	if (row->kind == TOLL_PROCESSOR && in)
		fprintf(out, "  %llu ns/span", value(p, TOLL_STAT_PROCESSOR_DURATION_NS) / in);
	if (row->kind == TOLL_EXPORTER)
		fprintf(out, "  queue %llu/%llu, %llu in flight, %llu retries",
		        value(p, TOLL_STAT_EXPORTER_QUEUE_SIZE),
		        value(p, TOLL_STAT_EXPORTER_QUEUE_CAPACITY),
		        value(p, TOLL_STAT_EXPORTER_IN_FLIGHT),
		        value(p, TOLL_STAT_EXPORTER_RETRIES));
	fputc('\n', out);
}

int toll_graph_print(const struct toll_graph *g, FILE *out)
{
	const struct toll_graph_part *p;

	fprintf(out, "%-10s %-24s %12s %12s %10s\n", "kind", "id", "spans in", "spans out", "lost");
	for (size_t i = 0; i < TOLL_COUNT(rows); i++)
		TOLL_EACH_PART(p, g, rows[i].kind)
	print_part(p, &rows[i], out);
	TOLL_EACH_PART(p, g, TOLL_EXTENSION)
	fprintf(out, "%-10s %-24s\n", toll_kind_name(TOLL_EXTENSION), p->id.text);
	for (size_t i = 0; i < g->chain_count; i++) {
		fprintf(out, "pipeline %s:", g->chains[i].id);
		for (size_t s = 0; s < g->chains[i].count; s++)
			fprintf(out, " %s", g->chains[i].stages[s].processor->super.id.text);
		fputc('\n', out);
	}
	return ferror(out) ? TOLL_EINTERNAL : 0;
}
