/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/zpages/page.h"

#include <stdlib.h>
#include <string.h>

bool toll_page_wants(const struct toll_http_request *q, const char *format, const char *type)
{
	const char *asked = toll_http_query(q, "format"), *accept = toll_http_header(q, "Accept");

	if (asked)
		return strcmp(asked, format) == 0;
	return accept && strstr(accept, type);
}

/* Names come from files and from the wire: nothing of them may become markup. */
static void put_escaped(const char *text, FILE *out)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
}

static const struct {
	const char *path, *name, *what;
} pages[] = {
	{ "/debug/servicez", "service", "the daemon: version, since when, ready or not" },
	{ "/debug/pipelinez", "pipelines", "spans, losses and time of every component" },
	{ "/debug/tracez", "spans", "what processors did to sampled spans" },
	{ "/debug/unpricedz", "unpriced", "what has no price, how often and why" },
	{ "/debug/explainz", "explain", "how the spans of a trace were priced: ?trace_id=ID" },
	{ "/debug/extensionz", "extensions", "the state of every component" },
	{ "/debug/logz", "log", "the level of the log; PUT /debug/logz?level=debug sets it" },
};

static void put_page(const char *title, const char *text, FILE *out)
{
	fprintf(out,
	        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	        "<title>spantoll: %s</title></head>\n<body><p>",
	        title);
	for (size_t i = 0; i < TOLL_COUNT(pages); i++)
		fprintf(out, "<a href=\"%s\">%s</a> ", pages[i].path, pages[i].name);
	fputs("</p>\n<pre>\n", out);
	put_escaped(text, out);
	fputs("</pre></body></html>\n", out);
}

FILE *toll_page_open(struct toll_page *t)
{
	*t = (struct toll_page){ 0 };
	t->out = open_memstream(&t->at, &t->len);
	return t->out;
}

char *toll_page_close(struct toll_page *t)
{
	bool failed = ferror(t->out);

	if (fclose(t->out) || failed) {
		free(t->at);
		return NULL;
	}
	return t->at;
}

void toll_page_answer(struct toll_http_response *r, const char *type, char *take_body)
{
	r->status = take_body ? 200 : 503;
	r->content_type = take_body ? type : NULL;
	r->body = take_body;
	r->len = take_body ? strlen(take_body) : 0;
}

void toll_page_answer_text(const struct toll_http_request *q, const char *title, char *take_text,
                           struct toll_http_response *r)
{
	struct toll_page page;
	FILE *out;

	/* The log's level is changed by PUT, which no foreign page can send; these show names. */
	toll_http_add_header(r, "X-Content-Type-Options", "nosniff");
	if (!take_text || !toll_page_wants(q, "html", "text/html")) {
		toll_page_answer(r, "text/plain; charset=utf-8", take_text);
		return;
	}
	toll_http_add_header(r, "Content-Security-Policy", "default-src 'none'");
	out = toll_page_open(&page);
	if (!out) {
		toll_page_answer(r, NULL, NULL);
	} else {
		put_page(title, take_text, out);
		toll_page_answer(r, "text/html; charset=utf-8", toll_page_close(&page));
	}
	free(take_text);
}

void toll_page_index(void *ctx TOLL_UNUSED, const struct toll_http_request *q,
                     struct toll_http_response *r)
{
	struct toll_page t;
	FILE *out = toll_page_open(&t);

	for (size_t i = 0; out && i < TOLL_COUNT(pages); i++)
		fprintf(out, "%-18s  %s\n", pages[i].path, pages[i].what);
	toll_page_answer_text(q, "pages", out ? toll_page_close(&t) : NULL, r);
	if (r->status == 200 && strcmp(q->path, "/") != 0 && strcmp(q->path, "/debug/") != 0)
		r->status = 404;
}
