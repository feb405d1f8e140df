/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - what every page does: text for people with curl, HTML for browsers, JSON for programs.
 */
#ifndef TOLL_EXTENSIONS_ZPAGES_PAGE_H
#define TOLL_EXTENSIONS_ZPAGES_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "net/http_server.h"

/* ?format=, else what the Accept header asks for. */
bool toll_page_wants(const struct toll_http_request *q, const char *format, const char *type);

/* A stream whose text becomes the body. */
struct toll_page {
	FILE *out;
	char *at;
	size_t len;
};

FILE *toll_page_open(struct toll_page *t); /* NULL: out of memory */
/* The text, the caller's to free; NULL: out of memory. */
char *toll_page_close(struct toll_page *t);

/* take_body NULL: 503. type must outlive the call. */
void toll_page_answer(struct toll_http_response *r, const char *type, char *take_body);
/* Text as it is, or as a page for browsers. */
void toll_page_answer_text(const struct toll_http_request *q, const char *title, char *take_text,
                           struct toll_http_response *r);

/* The route "/": a list of all pages; for any path that is none, with status 404. */
void toll_page_index(void *ctx, const struct toll_http_request *q, struct toll_http_response *r);

#endif
