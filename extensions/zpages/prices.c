/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/zpages/prices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "prices/feed.h"

/* From the thread of the request to the main loop's, which knows who is there. */
struct confirmation {
	struct toll_host *host;
	char version[TOLL_EDITION_VERSION];
	char book[128]; /* "": the only one there is */
};

static void confirm(void *ctx)
{
	struct confirmation *c = ctx;
	struct toll_price_feed *feed =
		toll_host_find(c->host, "price_feed", c->book[0] ? c->book : NULL);

	if (feed)
		feed->confirm(feed, c->version);
	else
		TOLL_WARN("extension/zpages", "there is no price book \"%s\" to confirm", c->book);
	free(c);
}

static bool is_version(const char *text)
{
	return text && strlen(text) == TOLL_EDITION_VERSION - 1 &&
	       strspn(text, "0123456789abcdef") == TOLL_EDITION_VERSION - 1;
}

void toll_zpages_confirm_prices(struct toll_host *h, const struct toll_http_request *q,
                                struct toll_http_response *r)
{
	const char *version = toll_http_query(q, "confirm"), *book = toll_http_query(q, "book");
	struct confirmation *c = NULL;

	if (!is_version(version) || (book && strlen(book) >= sizeof(c->book))) {
		r->status = 400;
		toll_http_printf(r, "name the version that the log says is held: "
		                    "PUT /debug/pricebookz?confirm=VERSION\n");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c) {
		c->host = h;
		snprintf(c->version, sizeof(c->version), "%s", version);
		snprintf(c->book, sizeof(c->book), "%s", book ? book : "");
	}
	if (!c || toll_host_call(h, confirm, c) < 0) {
		free(c);
		r->status = 503;
		return;
	}
	r->status = 202;
	toll_http_printf(r, "%s is taken if it is held: see the log\n", version);
}
