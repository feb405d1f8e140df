/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/simulate_input.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"
#include "cmd/spantoll/line_reader.h"
#include "proto/cost_record.h"
#include "proto/cost_record_read.h"
#include "proto/json_flat.h"
#include "proto/sampling.h"

#define PROGRESS_NS    (200 * TOLL_MS)
#define PROGRESS_LINES 1024

/* ---- OTLP requests ---- */

static int open_pipeline(struct toll_simulate_input *in, struct toll_error *reterr)
{
	return in->pipeline
	               ? 0
	               : toll_one_pipeline_new(in->config, in->pipeline_id, &in->pipeline, reterr);
}

/* The enforcer goes by when a request came, which it does not say: about when its last span ended.
 */
static uint64_t time_of(const struct toll_batch *b)
{
	uint64_t latest = 0;

	for (uint32_t i = 0; i < b->span_count; i++) {
		uint64_t ms = toll_span_timestamp_ms(b, &b->spans[i]);

		latest = ms > latest ? ms : latest;
	}
	return latest;
}

static void note_seen(struct toll_simulate_input *in, const struct toll_slice *values)
{
	for (uint32_t i = 0; i < in->subjects->dimension_count; i++)
		if (values[i].len && !toll_slice_is(values[i], TOLL_VALUE_UNATTRIBUTED))
			in->seen |= UINT32_C(1) << i;
}

/* Values of spans that have no memory of their own. */
struct values {
	struct toll_slice at[TOLL_DIMENSIONS_MAX];
	char text[TOLL_DIMENSIONS_MAX][TOLL_DIMENSION_TEXT];
};

static void find_values(const struct toll_subjects *subjects, const struct toll_batch *b,
                        const struct toll_span *s, struct values *ret)
{
	const struct toll_resource *res = &b->resources[s->resource];

	for (uint32_t i = 0; i < subjects->dimension_count; i++) {
		const struct toll_budget_dimension *d = &subjects->dimensions[i];

		ret->at[i] = toll_dimension_value(d, b, res, d->by_span ? s : NULL, ret->text[i]);
	}
}

static int add_batch(struct toll_simulate_input *in, const struct toll_batch *b)
{
	TOLL_UNINITIALIZED struct values values; /* large, and hardly looked at */
	struct toll_replay_spend spend = { .time_ms = time_of(b), .values = values.at };
	int err = 0;

	memset(values.at, 0, sizeof(values.at));
	for (uint32_t i = 0; i < b->span_count && !err; i++) {
		const struct toll_span *s = &b->spans[i];

		if (s->dropped)
			continue;
		in->unpriced += s->cost_state == TOLL_COST_UNPRICED;
		if (s->cost_state == TOLL_COST_UNPRICED)
			continue;
		find_values(in->subjects, b, s, &values);
		note_seen(in, values.at);
		spend.pico = toll_span_total_pico(s);
		err = toll_replay_add(in->replay, &spend);
	}
	return err;
}

static int add_request(struct toll_simulate_input *in, struct toll_slice request,
                       struct toll_error *reterr)
{
	struct toll_batch *b;
	int err = toll_one_pipeline_run(in->pipeline, request, &b, reterr);

	if (err)
		return err;
	in->requests++;
	err = add_batch(in, b);
	toll_batch_unref(b);
	return err ? toll_fail(reterr, err, "out of memory") : 0;
}

/* ---- cost records ---- */

/* A record has them by name. */
static void read_values(const struct toll_subjects *subjects, const struct toll_cost_record *r,
                        struct toll_slice *ret)
{
	for (uint32_t i = 0; i < subjects->dimension_count; i++) {
		const struct toll_budget_dimension *d = &subjects->dimensions[i];

		ret[i] = toll_cost_record_text(r, d->name);
		if (!ret[i].len && d->unattributed)
			ret[i] = TOLL_SLICE(TOLL_VALUE_UNATTRIBUTED);
	}
}

/* room: twice as long as the line. */
static int add_record(struct toll_simulate_input *in, struct toll_slice line, char *room,
                      struct toll_error *reterr)
{
	struct toll_slice values[TOLL_DIMENSIONS_MAX] = { { NULL, 0 } };
	struct toll_replay_spend spend = { .values = values };
	struct toll_cost_record r;
	int err;

	memcpy(room, line.ptr, line.len);
	err = toll_cost_record_read(room, line.len, room + line.len, &r, reterr);
	if (err)
		return err;
	in->records++;
	in->unpriced += r.unpriced;
	if (r.unpriced)
		return 0;
	read_values(in->subjects, &r, values);
	note_seen(in, values);
	spend.time_ms = r.received_ms ? r.received_ms : r.timestamp_ms;
	spend.pico = r.total_pico;
	err = toll_replay_add(in->replay, &spend);
	return err ? toll_fail(reterr, err, "out of memory") : 0;
}

/* ---- lines ---- */

struct lines {
	struct toll_line_reader reader;
	char *room; /* twice as long as the longest line so far */
	size_t room_len;
	uint64_t shown_ns;
};

static struct toll_slice trim(struct toll_slice s)
{
	while (s.len && strchr(" \t\r\n", *s.ptr))
		s = toll_slice(s.ptr + 1, s.len - 1);
	while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* The first field of an OTLP request in protobuf, number 1 and of variable length, has the tag that
 * is a newline in text. */
static bool is_protobuf(struct toll_slice begin)
{
	struct toll_slice text = trim(begin);

	return begin.len && *begin.ptr == '\n' && !(text.len && *text.ptr == '{');
}

static bool is_request(struct toll_slice line)
{
	struct toll_json_flat j = toll_json_flat_of(line);
	struct toll_json_member m;

	return toll_json_flat_next(&j, &m) &&
	       (toll_slice_is(m.name, "resourceSpans") || toll_slice_is(m.name, "resource_spans"));
}

static char *room_for(struct lines *l, size_t len)
{
	char *bigger;

	if (len <= l->room_len)
		return l->room;
	bigger = realloc(l->room, len);
	if (!bigger)
		return NULL;
	l->room = bigger;
	l->room_len = len;
	return bigger;
}

/* What is wrong with one line must not cost a day's recording; what is wrong with prices or memory
 * does. */
static int pass_over(struct toll_simulate_input *in, const struct lines *l, int err,
                     const struct toll_error *why)
{
	if (err != TOLL_EINVALID && err != TOLL_ETOOBIG)
		return err;
	if (!in->unreadable++)
		toll_fail(&in->first_unreadable, err, "%.100s:%" PRIu64 ": %.120s", l->reader.name,
		          l->reader.line, why->text);
	return 0;
}

static int add_line(struct toll_simulate_input *in, struct lines *l, struct toll_slice line,
                    struct toll_error *reterr)
{
	char *room;
	int err;

	if (is_request(line)) {
		err = open_pipeline(in, reterr);
		if (err)
			return err;
		err = add_request(in, line, reterr);
	} else {
		room = room_for(l, 2 * line.len);
		if (!room)
			return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
		err = add_record(in, line, room, reterr);
	}
	return err ? pass_over(in, l, err, reterr) : 0;
}

static int add_whole(struct toll_simulate_input *in, struct lines *l, struct toll_error *reterr)
{
	struct toll_slice all;
	int err = toll_lines_rest(&l->reader, &all, reterr);

	if (err || !all.len)
		return err;
	if (!is_protobuf(all))
		return add_line(in, l, trim(all), reterr);
	err = open_pipeline(in, reterr);
	if (err)
		return err;
	err = add_request(in, all, reterr);
	return err ? pass_over(in, l, err, reterr) : 0;
}

/* ---- progress ---- */

static void show(const struct toll_simulate_input *in, struct lines *l)
{
	const struct toll_replay_totals *t = toll_replay_totals(in->replay);
	uint64_t now = toll_clock_mono_ns();
	char time[32] = "";

	if (now - l->shown_ns < PROGRESS_NS)
		return;
	l->shown_ns = now;
	if (t->to_ms)
		toll_clock_rfc3339(t->to_ms * TOLL_MS, 0, time, sizeof(time));
	if (l->reader.total)
		fprintf(stderr, "\r%3d %%  ", (int)(100 * l->reader.read / l->reader.total));
	else
		fprintf(stderr, "\r%" PRIu64 " MB  ", l->reader.read / 1000000);
	fprintf(stderr, "%" PRIu64 " spans  %s\033[K", t->spans, time);
	fflush(stderr);
}

static void hide(const struct toll_simulate_input *in, const struct lines *l)
{
	if (in->progress && l->shown_ns)
		fputs("\r\033[K", stderr);
}

/* ---- the file ---- */

/* {                 one request over several lines, as people print it */
static bool goes_on(struct toll_slice line)
{
	return line.len && line.ptr[0] == '{' && line.ptr[line.len - 1] != '}';
}

static int add_lines(struct toll_simulate_input *in, struct lines *l, struct toll_error *reterr)
{
	struct toll_slice line = { 0 };
	bool any = false;
	int err;

	for (;;) {
		err = toll_lines_next(&l->reader, &line, reterr);
		if (err <= 0)
			return err;
		if (!any && goes_on(trim(line))) {
			toll_lines_back(&l->reader, line);
			return add_whole(in, l, reterr);
		}
		line = trim(line);
		any |= line.len > 0;
		err = line.len ? add_line(in, l, line, reterr) : 0;
		if (err)
			return err;
		if (in->progress && l->reader.line % PROGRESS_LINES == 0)
			show(in, l);
	}
}

static int add_file(struct toll_simulate_input *in, struct lines *l, struct toll_error *reterr)
{
	struct toll_slice begin;
	int err = toll_lines_peek(&l->reader, &begin, reterr);

	if (err)
		return err;
	return is_protobuf(begin) ? add_whole(in, l, reterr) : add_lines(in, l, reterr);
}

int toll_simulate_file(struct toll_simulate_input *in, const char *name, struct toll_error *reterr)
{
	struct lines l = { .shown_ns = 0 };
	int err = toll_lines_open(&l.reader, name, reterr);

	if (err)
		return err;
	err = add_file(in, &l, reterr);
	hide(in, &l);
	toll_lines_close(&l.reader);
	free(l.room);
	return err;
}

void toll_simulate_input_release(struct toll_simulate_input *in)
{
	in->pipeline = toll_one_pipeline_free(in->pipeline);
}
