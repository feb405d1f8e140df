/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c - calls that are answered at once: the book, and what one span costs. */
#include <stdlib.h>
#include <string.h>

#include "extensions/pricing_service/service.h"
#include "proto/pricing.pb-c.h"

/* ---- GetPriceBook ---- */

/* head and body in one; NULL: out of memory. */
static char *join(struct toll_slice head, struct toll_slice body)
{
	char *both = malloc(head.len + body.len + 1);

	if (!both)
		return NULL;
	memcpy(both, head.ptr, head.len);
	if (body.len)
		memcpy(both + head.len, body.ptr, body.len);
	return both;
}

static void answer_book(struct pricing_service *s, struct toll_grpc_call *c,
                        const struct toll_edition *e, bool documents)
{
	char buf[TOLL_PRICING_HEAD_MAX];
	struct toll_slice head = toll_pricing_head(s, e, documents, buf), rest = { NULL, 0 };
	struct toll_pricing_body *body = NULL;
	char *both;

	pthread_mutex_lock(&s->lock);
	if (documents && (body = toll_pricing_body(s, e)))
		rest = toll_slice(body->bytes, body->len);
	both = documents && !body ? NULL : join(head, rest);
	pthread_mutex_unlock(&s->lock);
	if (both)
		toll_grpc_answer(c, &(struct toll_grpc_answer){
					    .response = toll_slice(both, head.len + rest.len) });
	else
		toll_pricing_refuse(c, TOLL_GRPC_RESOURCE_EXHAUSTED, "out of memory");
	free(both);
}

void toll_pricing_handle_book(void *service, struct toll_grpc_call *c)
{
	struct pricing_service *s = service;
	Spantoll__Pricing__V1__GetPriceBookRequest *q;
	struct toll_edition *e;
	char buf[TOLL_PRICING_REQUEST_MAX];
	size_t size;

	atomic_fetch_add(&s->calls[TOLL_PRICING_GET_PRICE_BOOK], 1);
	if (!toll_pricing_take(c, buf, &size))
		return;
	q = spantoll__pricing__v1__get_price_book_request__unpack(NULL, size, (uint8_t *)buf);
	e = toll_price_feed_get(s->feed);
	if (!q)
		toll_pricing_refuse(c, TOLL_GRPC_INVALID_ARGUMENT, "malformed request");
	else if (!e)
		toll_pricing_refuse(c, TOLL_GRPC_UNAVAILABLE, TOLL_PRICING_NO_BOOK);
	else
		answer_book(s, c, e, strcmp(q->version, e->version) != 0);
	toll_edition_unref(e);
	if (q)
		spantoll__pricing__v1__get_price_book_request__free_unpacked(q, NULL);
}
