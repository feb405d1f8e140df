/* SPDX-License-Identifier: Apache-2.0 */
/* journal_export.c - `spantoll journal export`: what a journal holds as lines of JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/spantoll/journal_verb.h"
#include "pipeline/record.h"
#include "proto/cost_record.h"
#include "proto/otlp_json.h"

#define VERB "journal export"

/* Text is written when so much of it has gathered. */
#define WRITE_AT ((size_t)256 << 10)

struct options {
	const char *directory, *encoding, *behind;
	int64_t from, to;
};

struct export
{
	const struct options *options;
	struct toll_peek *peek;
	bool otlp;
	uint64_t from, end; /* records [from, end) */
	struct toll_buffer out;
	struct toll_journal_mark lost, other; /* other: what cannot be decoded */
};

/* ---- writing ---- */

/* False: nobody takes it. */
static bool flush(struct export *x)
{
	size_t len = x->out.len;

	x->out.len = 0;
	return fwrite(x->out.ptr, 1, len, stdout) == len;
}

static bool put_newline(struct export *x)
{
	char *at = toll_buffer_room(&x->out, 1);

	if (at) {
		*at = '\n';
		x->out.len++;
	}
	return x->out.len < WRITE_AT || flush(x);
}

static bool write_spans(struct export *x, const struct toll_batch *b)
{
	bool ok = true;

	for (uint32_t i = 0; i < b->span_count && ok; i++) {
		char *at = toll_buffer_room(&x->out, toll_cost_record_bound(b, &b->spans[i]));

		if (at)
			x->out.len += (size_t)(toll_cost_record(b, &b->spans[i], at) - at);
		ok = put_newline(x);
	}
	return ok;
}

static bool write_request(struct export *x, const struct toll_batch *b)
{
	toll_otlp_json(&(struct toll_selection){ b, 0, TOLL_WHOLE_BATCH }, &x->out);
	return put_newline(x);
}

/* 0, or TOLL_ENOMEM, TOLL_EDOWN: nobody takes it. */
static int write_batch(struct export *x, const struct toll_batch *b)
{
	bool ok = x->otlp ? write_request(x, b) : write_spans(x, b);

	if (x->out.err)
		return x->out.err;
	return ok ? 0 : TOLL_EDOWN;
}

/* ---- reading ---- */

static void add(struct toll_journal_mark *sum, const struct toll_journal_record *r)
{
	struct toll_journal_mark worth = toll_journal_minus(r->end, r->begin);

	sum->seq += worth.seq;
	sum->items += worth.items;
	sum->pico += worth.pico;
}

static int take_record(struct export *x, const struct toll_journal_record *r)
{
	struct toll_batch *b;
	int err;

	if (r->begin.seq < x->from)
		return 0;
	err = toll_record_decode(r, toll_journal_epoch(x->peek->journal), NULL, &b);
	if (err == TOLL_ENOMEM)
		return err;
	if (err) {
		add(&x->other, r);
		return 0;
	}
	err = write_batch(x, b);
	toll_batch_unref(b);
	return err;
}

/* One that reaches into what was asked for counts whole. */
static int take(struct export *x, int found, const struct toll_journal_record *r)
{
	if (found == TOLL_PEEK_RECORD)
		return take_record(x, r);
	if (found != TOLL_PEEK_GONE && r->end.seq > x->from)
		add(&x->lost, r);
	return 0;
}

static int write_all(struct export *x)
{
	const struct toll_journal_mark begin = { .seq = x->from }, end = { .seq = x->end };
	struct toll_journal_progress progress;
	struct toll_journal_record r;
	int found, err = toll_peek_from(x->peek, x->from);

	toll_journal_progress_begin(&progress, begin, end);
	while (!err && (found = toll_peek_next(x->peek, &r)) != TOLL_PEEK_END) {
		if (found > 0 && r.begin.seq >= x->end)
			break;
		err = found < 0 ? found : take(x, found, &r);
		toll_journal_progress_at(&progress, r.begin.seq);
	}
	if (!err && x->out.len && !flush(x))
		err = TOLL_EDOWN;
	if (!err && fflush(stdout) != 0)
		err = TOLL_EDOWN;
	toll_journal_progress_end(&progress);
	return err;
}

/* ---- the verb ---- */

static int tell(const struct export *x, int err)
{
	char worth[TOLL_JOURNAL_WORTH];

	if (ferror(stdout)) {
		fprintf(stderr, "spantoll " VERB ": standard output: %s\n", strerror(errno));
		return TOLL_EXIT_FAILED;
	}
	if (err)
		return toll_journal_cannot_read(VERB, err);
	if (x->lost.seq)
		fprintf(stderr, "spantoll " VERB ": not there: %s, damaged\n",
		        toll_journal_worth(x->lost, worth));
	if (x->other.seq)
		fprintf(stderr,
		        "spantoll " VERB ": not there: %s, that this version cannot decode\n",
		        toll_journal_worth(x->other, worth));
	return x->lost.seq || x->other.seq ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

static int no_such_cursor(const struct export *x)
{
	const char *separator = ": there are ";
	struct toll_journal_cursor *c;

	fprintf(stderr, "spantoll " VERB ": no cursor \"%s\"", x->options->behind);
	for (unsigned i = 0; (c = toll_journal_cursor_at(x->peek->journal, i)); i++) {
		fprintf(stderr, "%s%s", separator, toll_journal_cursor_name(c));
		separator = ", ";
	}
	fputc('\n', stderr);
	return TOLL_EXIT_USAGE;
}

/* Which records; -1 to go on. */
static int choose(struct export *x)
{
	const struct options *o = x->options;
	struct toll_journal_cursor *c;

	x->from = (uint64_t)o->from;
	x->end = toll_journal_end(x->peek->journal).seq;
	if (o->to >= 0 && (uint64_t)o->to < x->end)
		x->end = (uint64_t)o->to + 1;
	if (!o->behind) {
		uint64_t oldest = toll_journal_begin(x->peek->journal).seq;

		if (x->from < oldest)
			x->from = oldest;
		return -1;
	}
	for (unsigned i = 0; (c = toll_journal_cursor_at(x->peek->journal, i)); i++) {
		if (strcmp(toll_journal_cursor_name(c), o->behind) != 0)
			continue;
		if (toll_journal_cursor_mark(c).seq > x->from)
			x->from = toll_journal_cursor_mark(c).seq;
		return -1;
	}
	return no_such_cursor(x);
}

static int export_journal(const struct options *o, bool otlp)
{
	struct export x = { .options = o, .otlp = otlp };
	int rc = toll_journal_look(VERB, o->directory, &x.peek);

	if (rc != TOLL_EXIT_OK)
		return rc;
	rc = choose(&x);
	if (rc < 0)
		rc = tell(&x, write_all(&x));
	toll_buffer_release(&x.out);
	toll_peek_close(x.peek);
	return rc;
}

static int wrong_encoding(const char *text)
{
	fprintf(stderr, "spantoll " VERB ": --encoding: \"%s\" is none of json, otlp_json\n", text);
	return TOLL_EXIT_USAGE;
}

int toll_journal_verb_export(int argc, char **argv)
{
	struct options o = { .encoding = "json", .to = -1 };
	const struct toll_option options[] = {
		{ "encoding", "NAME",
		  "json: a cost record per span; otlp_json: a request per record",
		  .text = &o.encoding },
		{ "from", "SEQ", "the first record", .number = &o.from },
		{ "to", "SEQ", "the last record", .number = &o.to },
		{ "behind", "CURSOR", "only what this exporter has not got yet",
		  .text = &o.behind },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, "DIRECTORY",
		"Writes the spans of a journal to standard output, one JSON object per line, as\n"
		"the exporters kafka and file do in the same encoding: priced as they were, with\n"
		"the edits of the pipeline. Nothing is removed from the journal.\n",
		"Examples:\n"
		"  spantoll journal export /var/lib/spantoll/journal/traces > spans.jsonl\n"
		"  spantoll journal export --behind kafka DIRECTORY | gzip > "
		"not-in-kafka.jsonl.gz\n"
		"Exit status: 0, 1 something is damaged or cannot be read: all that is intact is\n"
		"written, what is not there is told.\n",
		options
	};
	int rc = toll_journal_directory(&usage, argc, argv, &o.directory);

	if (rc >= 0)
		return rc;
	if (strcmp(o.encoding, "json") != 0 && strcmp(o.encoding, "otlp_json") != 0)
		return wrong_encoding(o.encoding);
	return export_journal(&o, o.encoding[0] == 'o');
}
