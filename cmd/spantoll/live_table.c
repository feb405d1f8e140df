/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/live_table.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/spantoll/json_text.h"

#define WIDTH_MIN  60
#define WIDTH_WIDE 96 /* from here on there is room for the unpriced column */
#define BAR        8
#define CELL       64

enum column {
	COLUMN_SERVICE = 0,
	COLUMN_WINDOW,
	COLUMN_HOUR,
	COLUMN_BUDGET,
	COLUMN_USED,
	COLUMN_RATE,
	COLUMN_UNPRICED,
	COLUMN_STATE,
	COLUMNS,
};

const char *toll_live_usd(toll_i128 pico, char *buf, size_t size)
{
	const char *sign = pico < 0 ? "-" : "";
	double usd = (double)(pico < 0 ? -pico : pico) / (double)TOLL_PICO_PER_USD;

	if (usd >= 1e6)
		snprintf(buf, size, "%s$%.1fM", sign, usd / 1e6);
	else if (usd >= 1e4)
		snprintf(buf, size, "%s$%.0f", sign, usd);
	else if (usd >= 0.01 || pico == 0)
		snprintf(buf, size, "%s$%.2f", sign, usd);
	else if (usd >= 0.0001)
		snprintf(buf, size, "%s$%.4f", sign, usd);
	else
		snprintf(buf, size, "<$0.0001");
	return buf;
}

const char *toll_live_time(uint64_t wall_ns, char buf[16])
{
	time_t s = (time_t)(wall_ns / TOLL_S);
	struct tm tm;

	if (!localtime_r(&s, &tm) || !strftime(buf, 16, "%H:%M:%S", &tm))
		buf[0] = '\0';
	return buf;
}

/* "30s", "5m", "24h" */
static void print_window(uint64_t ns, char *buf, size_t size)
{
	uint64_t s = ns / TOLL_S;

	if (s % 3600 == 0)
		snprintf(buf, size, "%" PRIu64 "h", s / 3600);
	else if (s % 60 == 0)
		snprintf(buf, size, "%" PRIu64 "m", s / 60);
	else
		snprintf(buf, size, "%" PRIu64 "s", s);
}

/* The window of the budgets, where all have the same. */
static uint64_t common_window(const struct toll_live *l)
{
	uint64_t window = 0;

	for (uint32_t i = 0; i < l->row_count; i++) {
		uint64_t w = l->rows[i].limit_pico ? l->rows[i].window_ns : 0;

		if (w && window && w != window)
			return 0;
		if (w)
			window = w;
	}
	return window;
}

/* In percent of the budget; -1: there is none. */
static double used_percent(const struct toll_live_row *r)
{
	if (r->limit_pico <= 0)
		return -1;
	return (double)r->rolling_pico * 100.0 / (double)r->limit_pico;
}

static void print_used(const struct toll_live_row *r, bool unicode, char *buf, size_t size)
{
	double percent = used_percent(r);
	int filled = (int)(percent * BAR / 100.0 + 0.5);
	size_t len = 0;

	if (percent < 0) {
		snprintf(buf, size, "-");
		return;
	}
	if (filled > BAR)
		filled = BAR;
	for (int i = 0; i < BAR; i++) {
		const char *cell = i < filled ? "#" : ".";

		if (unicode)
			cell = i < filled ? "\xe2\x96\x88" : "\xe2\x96\x91"; /* full, light shade */
		len += (size_t)snprintf(buf + len, size - len, "%s", cell);
	}
	snprintf(buf + len, size - len, percent > 999 ? " >999%%" : " %4.0f%%", percent);
}

static const char *colour_of(const struct toll_live_row *r)
{
	switch (r->state) {
	case TOLL_LIVE_THROTTLED:
		return "\033[1;31m";
	case TOLL_LIVE_OVER:
	case TOLL_LIVE_SHADOW:
		return "\033[33m";
	case TOLL_LIVE_UNPRICED:
		return "\033[36m";
	case TOLL_LIVE_OK:
		break;
	}
	return NULL;
}

/* ---- smartcols ---- */

struct table {
	struct libscols_table *table;
	struct libscols_column *columns[COLUMNS]; /* NULL: not shown */
};

static int add_columns(struct table *t, const struct toll_live *l,
                       const struct toll_live_style *style)
{
	uint64_t window = common_window(l);
	char spend[CELL] = "SPEND", text[16];
	const char *const names[COLUMNS] = { "SERVICE", spend,     "$/HOUR",   "BUDGET",
		                             "USED",    "SPANS/S", "UNPRICED", "STATE" };

	if (window) {
		print_window(window, text, sizeof(text));
		snprintf(spend, sizeof(spend), "LAST %s", text);
	}
	for (int i = 0; i < COLUMNS; i++) {
		int flags = i == COLUMN_SERVICE ? SCOLS_FL_TRUNC
		                                : (i == COLUMN_STATE ? 0 : SCOLS_FL_RIGHT);

		if (i == COLUMN_UNPRICED && style->width < WIDTH_WIDE)
			continue;
		t->columns[i] = scols_table_new_column(t->table, names[i],
		                                       i == COLUMN_SERVICE ? 10 : 1, flags);
		if (!t->columns[i])
			return TOLL_ENOMEM;
	}
	return 0;
}

static int set_cell(struct table *t, struct libscols_line *line, enum column c, const char *text)
{
	return t->columns[c] ? scols_line_set_column_data(line, t->columns[c], text) : 0;
}

static int add_row(struct table *t, const struct toll_live_row *r,
                   const struct toll_live_style *style, const char *name, const char *state)
{
	struct libscols_line *line = scols_table_new_line(t->table, NULL);
	char cell[CELL];
	int bad;

	if (!line)
		return TOLL_ENOMEM;
	bad = set_cell(t, line, COLUMN_SERVICE, name);
	bad |= set_cell(t, line, COLUMN_WINDOW, toll_live_usd(r->rolling_pico, cell, sizeof(cell)));
	bad |= set_cell(t, line, COLUMN_HOUR, toll_live_usd(r->per_hour_pico, cell, sizeof(cell)));
	if (r->limit_pico > 0)
		bad |= set_cell(t, line, COLUMN_BUDGET,
		                toll_live_usd(r->limit_pico, cell, sizeof(cell)));
	if (r->limit_pico > 0) {
		print_used(r, style->unicode, cell, sizeof(cell));
		bad |= set_cell(t, line, COLUMN_USED, cell);
	}
	snprintf(cell, sizeof(cell), "%.1f", r->spans_per_s);
	bad |= set_cell(t, line, COLUMN_RATE, cell);
	snprintf(cell, sizeof(cell), "%" PRIu64, r->unpriced);
	bad |= set_cell(t, line, COLUMN_UNPRICED, r->unpriced ? cell : "");
	bad |= set_cell(t, line, COLUMN_STATE, state);
	if (style->colour && colour_of(r))
		bad |= scols_line_set_color(line, colour_of(r));
	return bad ? TOLL_ENOMEM : 0;
}

static int add_rows(struct table *t, const struct toll_live *l, const struct toll_live_style *style)
{
	uint32_t shown = l->row_count;
	char rest[CELL];

	if (style->max_rows && shown > style->max_rows)
		shown = style->max_rows;
	for (uint32_t i = 0; i < shown; i++) {
		const struct toll_live_row *r = &l->rows[i];

		if (add_row(t, r, style, r->service, toll_live_state_name(r->state)) < 0)
			return TOLL_ENOMEM;
	}
	snprintf(rest, sizeof(rest), "+%u more", l->row_count - shown + l->hidden);
	return add_row(t, &l->total, style, "TOTAL", l->row_count - shown + l->hidden ? rest : "");
}

static char *render(struct table *t, const struct toll_live *l, const struct toll_live_style *style)
{
	char *text = NULL;

	scols_table_enable_colors(t->table, style->colour);
	scols_table_set_column_separator(t->table, "  ");
	scols_table_set_termforce(t->table, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(t->table, style->width < WIDTH_MIN ? WIDTH_MIN : style->width);
	if (add_columns(t, l, style) < 0 || add_rows(t, l, style) < 0)
		return NULL;
	return scols_print_table_to_string(t->table, &text) ? NULL : text;
}

char *toll_live_table_text(const struct toll_live *l, const struct toll_live_style *style)
{
	struct table t = { .table = scols_new_table() };
	char *text;

	if (!t.table)
		return NULL;
	text = render(&t, l, style);
	scols_unref_table(t.table);
	return text;
}

/* ---- JSON ---- */

/* As a string: the exact decimal. */
static void put_usd(const char *name, toll_i128 pico, FILE *out)
{
	char text[TOLL_MONEY_TEXT];

	toll_money_print_wide(pico, text);
	fprintf(out, "\"%s\":\"%s\",", name, text);
}

static void put_row(const struct toll_live_row *r, FILE *out)
{
	put_usd("spend_usd", r->rolling_pico, out);
	put_usd("total_usd", r->total_pico, out);
	put_usd("usd_per_hour", r->per_hour_pico, out);
	if (r->limit_pico > 0) {
		put_usd("budget_usd", r->limit_pico, out);
		fprintf(out, "\"used_pct\":%.2f,\"window_seconds\":%" PRIu64 ",", used_percent(r),
		        r->window_ns / TOLL_S);
	}
	fprintf(out, "\"spans\":%" PRIu64 ",\"unpriced\":%" PRIu64 ",\"spans_per_second\":%.1f",
	        r->spans, r->unpriced, r->spans_per_s);
}

static void put_events(const struct toll_live *l, uint64_t first, FILE *out)
{
	const char *comma = "";

	if (l->event_count > TOLL_LIVE_EVENTS && first < l->event_count - TOLL_LIVE_EVENTS)
		first = l->event_count - TOLL_LIVE_EVENTS;
	for (; first < l->event_count; first++) {
		const struct toll_live_event *e = &l->events[first % TOLL_LIVE_EVENTS];
		char time[32];

		fprintf(out, "%s{\"time\":\"%s\",\"text\":", comma,
		        toll_clock_rfc3339(e->wall_ns, 1, time, sizeof(time)));
		toll_json_print(out, e->text);
		putc('}', out);
		comma = ",";
	}
}

void toll_live_json(const struct toll_live *l, uint64_t event_first, FILE *out)
{
	char time[32];

	fprintf(out, "{\"time\":\"%s\",\"services\":[",
	        toll_clock_rfc3339(toll_clock_wall_ns(), 1, time, sizeof(time)));
	for (uint32_t i = 0; i < l->row_count; i++) {
		const struct toll_live_row *r = &l->rows[i];

		fputs(i ? ",{\"service\":" : "{\"service\":", out);
		toll_json_print(out, r->service);
		putc(',', out);
		put_row(r, out);
		fprintf(out, ",\"state\":\"%s\"}", toll_live_state_name(r->state));
	}
	fputs("],\"total\":{", out);
	put_row(&l->total, out);
	fputs("},\"events\":[", out);
	put_events(l, event_first, out);
	fputs("]}\n", out);
}
