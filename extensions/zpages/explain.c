/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/zpages/explain.h"

#include <string.h>

#include "extensions/zpages/page.h"
#include "prices/explain.h"
#include "proto/json_scalar.h"

#define TRACE_ID ((size_t)16)

enum { SPANS_MAX = 1000 };

struct search {
	uint8_t trace_id[TRACE_ID];
	unsigned found;
	FILE *out;
};

static bool read_id(const char *hex, uint8_t id[TRACE_ID])
{
	return hex && strlen(hex) == 2 * TRACE_ID &&
	       toll_json_read_hex(toll_slice_str(hex), (char *)id);
}

static bool explain(void *ctx, struct toll_batch *b)
{
	struct search *search = ctx;

	for (uint32_t i = 0; i < b->span_count && search->found < SPANS_MAX; i++) {
		const struct toll_span *s = &b->spans[i];

		if (s->dropped || memcmp(s->trace_id, search->trace_id, TRACE_ID) != 0)
			continue;
		fputs(search->found++ ? ",\n" : "\n", search->out);
		toll_explain_span(b, s, search->out);
	}
	return search->found < SPANS_MAX;
}

void toll_zpages_explain(struct toll_recent *recent, const struct toll_http_request *q,
                         struct toll_http_response *r)
{
	struct search search = { .found = 0 };
	struct toll_page page;

	if (!read_id(toll_http_query(q, "trace_id"), search.trace_id)) {
		r->status = 400;
		toll_http_printf(r, "trace_id must be 32 hex digits: "
		                    "/debug/explainz?trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n");
		return;
	}
	search.out = toll_page_open(&page);
	if (!search.out) {
		toll_page_answer(r, NULL, NULL);
		return;
	}
	fputs("{\"spans\":[", search.out);
	toll_recent_each(recent, explain, &search);
	fputs("]}\n", search.out);
	toll_page_answer(r, "application/json", toll_page_close(&page));
	if (r->status == 200 && !search.found)
		r->status = 404;
}
