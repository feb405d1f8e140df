/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/simulate_print.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macro.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/table.h"
#include "proto/json_write.h"

static const char *const modes[] = { "enforce", "shadow", "off" };

static const char *time_text(uint64_t ms, char buf[32])
{
	return toll_clock_rfc3339(ms * TOLL_MS, 0, buf, 32);
}

/* "$500/24h" */
static void budget_text(const struct toll_rule *rule, const char *window, char *buf, size_t size)
{
	char limit[TOLL_MONEY_TEXT];

	toll_money_print_usd(rule->limit_pico, limit);
	snprintf(buf, size, "%.*s%s%s/%s%s", TOLL_FMT(toll_slice_cut(rule->name, 40)),
	         rule->name.len ? " " : "", limit, window,
	         rule->mode == TOLL_MODE_SHADOW ? " (shadow)" : "");
}

void toll_simulate_print_change(void *ctx, const struct toll_replay_change *c)
{
	char time[32], spent[TOLL_MONEY_TEXT], budget[96];

	toll_money_print_usd(c->nano * 1000, spent);
	budget_text(c->rule, c->window, budget, sizeof(budget));
	fprintf(ctx, "%s  %.*s %s: %s of %s, average $%.2f\n", time_text(c->time_ms, time),
	        TOLL_FMT(c->subject), c->on ? "would be throttled" : "would be released", spent,
	        budget, c->ema_usd);
}

/* ---- rows, those that matter most first ---- */

struct rows {
	struct toll_replay_row *at;
	size_t count, room;
	bool failed;
};

static void keep(void *ctx, const struct toll_replay_row *row)
{
	struct rows *r = ctx;
	size_t room = r->room ? 2 * r->room : 64;
	struct toll_replay_row *more;

	if (r->count == r->room) {
		more = realloc(r->at, room * sizeof(*more));
		if (!more) {
			r->failed = true;
			return;
		}
		r->at = more;
		r->room = room;
	}
	r->at[r->count++] = *row;
}

static double utilization(const struct toll_replay_row *r)
{
	return r->rule->limit_pico ? (double)r->highest_nano * 1000 / (double)r->rule->limit_pico
	                           : 0;
}

static int by_importance(const void *a, const void *b)
{
	const struct toll_replay_row *x = a, *y = b;
	double p = utilization(x), q = utilization(y);

	if ((x->sets > 0) != (y->sets > 0))
		return x->sets ? -1 : 1;
	return (p < q) - (p > q);
}

static struct rows gather(const struct toll_simulate_input *in)
{
	struct rows r = { 0 };

	toll_replay_each(in->replay, keep, &r);
	if (r.count)
		qsort(r.at, r.count, sizeof(*r.at), by_importance);
	return r;
}

/* ---- the table ---- */

/* Of the recorded time. */
static double share(const struct toll_replay_row *r, const struct toll_replay_totals *t)
{
	uint64_t all = t->end_ms - t->from_ms;

	return t->end_ms > t->from_ms ? (double)r->on_ms / (double)all : 0;
}

static char *when(const struct toll_replay_row *r, bool set)
{
	char time[32];

	if (!r->sets || !r->episodes)
		return toll_table_cell(TOLL_SLICE("-"), "");
	if (!set && !r->episodes[0].release_ms)
		return toll_table_cell(TOLL_SLICE("still at the end"), "");
	return toll_table_cell(
		toll_slice_str(
			time_text(set ? r->episodes[0].set_ms : r->episodes[0].release_ms, time)),
		"");
}

static char *money(toll_i128 pico)
{
	char text[TOLL_MONEY_TEXT];

	return toll_table_cell(toll_slice(text, (size_t)toll_money_print_usd(pico, text)), "");
}

static char *times(uint64_t n)
{
	char text[24];

	return toll_table_cell(
		toll_slice(text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, n)), "");
}

static char *percent(double part)
{
	char text[32];

	return toll_table_cell(
		toll_slice(text, (size_t)snprintf(text, sizeof(text), "%.1f%%", 100 * part)), "");
}

static int add_row(struct libscols_table *table, const struct toll_replay_row *r,
                   const struct toll_replay_totals *t)
{
	char budget[96];
	char *cells[9];

	budget_text(r->rule, r->window, budget, sizeof(budget));
	cells[0] = toll_table_cell(r->subject, "");
	cells[1] = toll_table_cell(toll_slice_str(budget), "");
	cells[2] = money(r->highest_nano * 1000);
	cells[3] = when(r, true);
	cells[4] = when(r, false);
	cells[5] = times(r->sets);
	cells[6] = percent(share(r, t));
	cells[7] = money(r->on_pico);
	cells[8] = money(r->pico);
	return toll_table_take_line(table, cells, TOLL_COUNT(cells));
}

static int print_rows(const struct rows *rows, const struct toll_replay_totals *t, size_t most)
{
	static const struct toll_table_column columns[] = {
		{ "SUBJECT", 0.2, SCOLS_FL_TRUNC },
		{ "BUDGET", 0, 0 },
		{ "HIGHEST", 0, SCOLS_FL_RIGHT },
		{ "THROTTLED FROM", 0, 0 },
		{ "TO", 0, 0 },
		{ "TIMES", 0, SCOLS_FL_RIGHT },
		{ "OF THE TIME", 0, SCOLS_FL_RIGHT },
		{ "SPENT MEANWHILE", 0, SCOLS_FL_RIGHT },
		{ "SPENT", 0, SCOLS_FL_RIGHT },
	};
	struct libscols_table *table = toll_table_new(columns, TOLL_COUNT(columns));
	int err = table ? 0 : -1;

	for (size_t i = 0; i < rows->count && i < most && !err; i++)
		err = add_row(table, &rows->at[i], t);
	if (!err && rows->count)
		err = scols_print_table(table);
	scols_unref_table(table);
	return err;
}

/* ---- the sentences below it ---- */

static void print_notes(const struct toll_simulate_input *in, const struct toll_replay_totals *t)
{
	char text[TOLL_MONEY_TEXT];

	if (t->late)
		printf("%" PRIu64 " of them came out of order, up to %.1f s late: counted at their "
		       "time, after "
		       "the\ndecisions of that time. Sort the input by received_ms to have them "
		       "decided in "
		       "order.\n",
		       t->late, (double)t->late_ms / 1000);
	toll_money_print_usd(t->expired_pico, text);
	if (t->expired)
		printf("%" PRIu64 " of these (%s) came later than a whole window: in no sum.\n",
		       t->expired, text);
	if (t->overflowed)
		printf("%" PRIu64
		       " were of services beyond --max-services: summed up as __overflow__.\n",
		       t->overflowed);
	if (in->unpriced)
		printf("%" PRIu64 " span%s had no price: not counted.\n", in->unpriced,
		       TOLL_PLURAL(in->unpriced));
	if (t->refused)
		printf("%" PRIu64 " from the future, or without a time: not counted.\n",
		       t->refused);
	if (in->unreadable)
		printf("%" PRIu64 " line%s could not be read; the first one, %s\n", in->unreadable,
		       TOLL_PLURAL(in->unreadable), in->first_unreadable.text);
}

/* A budget that nobody could be the subject of was perhaps not meant so. */
static void print_unseen(const struct toll_simulate_input *in)
{
	for (uint32_t i = 0; i < in->subjects->dimension_count; i++)
		if (!(in->seen & UINT32_C(1) << i))
			printf("No span says its %.*s: budgets by it have seen nothing.\n",
			       TOLL_FMT(in->subjects->dimensions[i].name));
}

static void print_summary(const struct toll_simulate_input *in, const struct rows *rows,
                          const struct toll_replay_totals *t)
{
	char from[32], to[32], spent[TOLL_MONEY_TEXT];
	size_t over = 0;

	for (size_t i = 0; i < rows->count; i++)
		over += rows->at[i].sets > 0;
	toll_money_print_usd(t->pico, spent);
	printf("%s%" PRIu64 " priced spans from %s to %s: %s by %" PRIu64 " service%s.\n",
	       rows->count ? "\n" : "", t->spans, time_text(t->from_ms, from),
	       time_text(t->to_ms, to), spent, t->services, TOLL_PLURAL(t->services));
	if (!rows->count)
		puts("No budget matches any of them.");
	else
		printf("%zu of %zu would have gone over budget.\n", over, rows->count);
	print_unseen(in);
	print_notes(in, t);
}

int toll_simulate_print_table(const struct toll_simulate_input *in, uint64_t most)
{
	const struct toll_replay_totals *t = toll_replay_totals(in->replay);
	struct rows rows = gather(in);
	size_t shown = most && most < rows.count ? (size_t)most : rows.count;
	int err = rows.failed ? -1 : print_rows(&rows, t, shown);

	if (!err && shown < rows.count)
		printf("... and %zu more: --top 0 shows all\n", rows.count - shown);
	if (!err)
		print_summary(in, &rows, t);
	else
		fputs("spantoll budget simulate: out of memory\n", stderr);
	free(rows.at);
	return err ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

/* ---- JSON ---- */

static void put_usd(const char *name, toll_i128 pico)
{
	char text[TOLL_MONEY_TEXT];

	toll_money_print_wide(pico, text);
	printf(",\"%s\":%s", name, text);
}

static void put_row(const struct toll_replay_row *r, const struct toll_replay_totals *t)
{
	char *subject = malloc(toll_json_string_bound(r->subject.len));

	if (!subject)
		return;
	printf("{\"subject\":%.*s,\"window\":\"%s\",\"mode\":\"%s\"",
	       (int)(toll_json_string(subject, r->subject) - subject), subject, r->window,
	       modes[r->rule->mode]);
	free(subject);
	put_usd("limit_usd", r->rule->limit_pico);
	put_usd("highest_usd", r->highest_nano * 1000);
	put_usd("spent_usd", r->pico);
	put_usd("throttled_usd", r->on_pico);
	printf(",\"highest_ms\":%" PRIu64 ",\"spans\":%" PRIu64 ",\"throttled_spans\":%" PRIu64
	       ",\"throttled_ms\":%" PRIu64 ",\"throttled_share\":%.6f,\"times\":%" PRIu64
	       ",\"throttled\":[",
	       r->highest_ms, r->spans, r->on_spans, r->on_ms, share(r, t), r->sets);
	for (uint64_t i = 0; r->episodes && i < r->sets && i < TOLL_REPLAY_EPISODES; i++) {
		printf("%s{\"set_ms\":%" PRIu64, i ? "," : "", r->episodes[i].set_ms);
		if (r->episodes[i].release_ms)
			printf(",\"release_ms\":%" PRIu64, r->episodes[i].release_ms);
		putchar('}');
	}
	fputs("]}", stdout);
}

int toll_simulate_print_json(const struct toll_simulate_input *in)
{
	const struct toll_replay_totals *t = toll_replay_totals(in->replay);
	struct rows rows = gather(in);

	printf("{\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64 ",\"records\":%" PRIu64
	       ",\"requests\":%" PRIu64 ",\"spans\":%" PRIu64 ",\"services\":%" PRIu64
	       ",\"rounds\":%" PRIu64,
	       t->from_ms, t->to_ms, in->records, in->requests, t->spans, t->services, t->rounds);
	put_usd("spent_usd", t->pico);
	printf(",\"late\":%" PRIu64 ",\"late_ms\":%" PRIu64 ",\"expired\":%" PRIu64, t->late,
	       t->late_ms, t->expired);
	put_usd("expired_usd", t->expired_pico);
	printf(",\"overflowed\":%" PRIu64 ",\"unpriced\":%" PRIu64 ",\"refused\":%" PRIu64
	       ",\"unreadable\":%" PRIu64 ",\"rows\":[",
	       t->overflowed, in->unpriced, t->refused, in->unreadable);
	for (size_t i = 0; i < rows.count; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		put_row(&rows.at[i], t);
	}
	puts("]}");
	free(rows.at);
	return rows.failed ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}
