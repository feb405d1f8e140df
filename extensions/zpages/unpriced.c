/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/zpages/unpriced.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "extensions/zpages/page.h"
#include "proto/json_write.h"

enum { TOP = 100, TEXT_MAX = 255 };

struct printing {
	FILE *out;
	unsigned rows;
};

static void put_json(FILE *out, const char *name, struct toll_slice text)
{
	char buf[64 + 6 * TEXT_MAX], *end = toll_json_string(buf, text);

	fprintf(out, "\"%s\":%.*s,", name, (int)(end - buf), buf);
}

static void json_row(void *ctx, const struct toll_unpriced_row *r)
{
	struct printing *p = ctx;

	fputs(p->rows++ ? ",\n{" : "\n{", p->out);
	put_json(p->out, "service", r->service);
	put_json(p->out, "operation", r->operation);
	put_json(p->out, "model", r->model);
	put_json(p->out, "reason", toll_slice_str(toll_unpriced_label(r->reason)));
	put_json(p->out, "error", r->sentence);
	fprintf(p->out, "\"spans\":%" PRIu64 ",\"last_ms\":%" PRIu64 "}", r->spans, r->last_ms);
}

static void print_json(struct toll_unpriced_table *t, uint32_t top, FILE *out)
{
	struct printing p = { out, 0 };
	uint64_t others;

	fputs("{\"unpriced\":[", out);
	others = toll_unpriced_table_each(t, top, json_row, &p);
	fprintf(out, "],\n\"others\":%" PRIu64 "}\n", others);
}

/* From the wire: a row stays a row. */
static void put_plain(FILE *out, struct toll_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
	}
}

static void text_row(void *ctx, const struct toll_unpriced_row *r)
{
	struct printing *p = ctx;
	char when[32];

	p->rows++;
	fprintf(p->out, "%12" PRIu64 "  %s  ", r->spans,
	        toll_clock_rfc3339(r->last_ms * TOLL_MS, 0, when, sizeof(when)));
	put_plain(p->out, r->service);
	fputs(": ", p->out);
	put_plain(p->out, r->operation);
	fputs("\n              ", p->out);
	put_plain(p->out,
	          r->sentence.len ? r->sentence : toll_slice_str(toll_unpriced_label(r->reason)));
	if (r->model.len)
		fputs("; model ", p->out);
	put_plain(p->out, r->model);
	fputc('\n', p->out);
}

static void print_text(struct toll_unpriced_table *t, uint32_t top, FILE *out)
{
	struct printing p = { out, 0 };
	uint64_t others;

	fprintf(out, "%12s  %-20s  %s\n", "spans", "last", "service: operation");
	others = toll_unpriced_table_each(t, top, text_row, &p);
	if (others)
		fprintf(out, "%12" PRIu64 "  of others\n", others);
	if (!p.rows && !others)
		fputs("every span has had a price since the start\n", out);
}

void toll_zpages_unpriced(struct toll_unpriced_table *t, const struct toll_http_request *q,
                          struct toll_http_response *r)
{
	const char *asked = toll_http_query(q, "top");
	uint32_t top = asked ? (uint32_t)strtoul(asked, NULL, 10) : TOP;
	bool json = toll_page_wants(q, "json", "application/json");
	struct toll_page page;

	if (!toll_page_open(&page)) {
		toll_page_answer(r, NULL, NULL);
		return;
	}
	if (json) {
		print_json(t, top, page.out);
		toll_page_answer(r, "application/json", toll_page_close(&page));
		return;
	}
	print_text(t, top, page.out);
	toll_page_answer_text(q, "unpriced", toll_page_close(&page), r);
}
