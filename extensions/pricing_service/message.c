/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - a price book as a message: packed once per version, shared by all who get it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "extensions/pricing_service/service.h"
#include "proto/pricing.pb-c.h"

static void destroy(struct toll_shared *shared)
{
	free(toll_container_of(shared, struct toll_pricing_body, shared));
}

/* How old what the source said is; 0 where nothing goes stale. */
static uint64_t age_of(const struct pricing_service *s, const struct toll_edition *e)
{
	uint64_t now = toll_clock_wall_ns(), sync = toll_pricebook_sync(e->book);

	return s->feed->ttl_ns && now > sync ? now - sync : 0;
}

struct toll_slice toll_pricing_head(const struct pricing_service *s, const struct toll_edition *e,
                                    bool documents, char buf[TOLL_PRICING_HEAD_MAX])
{
	Spantoll__Pricing__V1__PriceBook m = SPANTOLL__PRICING__V1__PRICE_BOOK__INIT;
	char version[TOLL_EDITION_VERSION];

	snprintf(version, sizeof(version), "%s", e->version);
	if (!documents)
		m.version = version;
	m.age_nano = age_of(s, e);
	return toll_slice(buf, spantoll__pricing__v1__price_book__pack(&m, (uint8_t *)buf));
}

static void fill(const struct toll_edition *e, Spantoll__Pricing__V1__Document *documents,
                 Spantoll__Pricing__V1__Document **list)
{
	for (uint32_t i = 0; i < e->count; i++) {
		const struct toll_edition_document *from = &e->documents[i];

		spantoll__pricing__v1__document__init(&documents[i]);
		documents[i].name = toll_pricing_unconst(from->name.ptr);
		documents[i].text.data = (uint8_t *)toll_pricing_unconst(from->text.ptr);
		documents[i].text.len = from->text.len;
		list[i] = &documents[i];
	}
}

static struct toll_pricing_body *pack(const struct toll_edition *e)
{
	Spantoll__Pricing__V1__Document documents[TOLL_EDITION_DOCUMENTS];
	Spantoll__Pricing__V1__Document *list[TOLL_EDITION_DOCUMENTS];
	Spantoll__Pricing__V1__PriceBook m = SPANTOLL__PRICING__V1__PRICE_BOOK__INIT;
	struct toll_pricing_body *b;

	fill(e, documents, list);
	m.n_documents = e->count;
	m.documents = list;
	m.version = toll_pricing_unconst(e->version);
	b = malloc(sizeof(*b) + spantoll__pricing__v1__price_book__get_packed_size(&m));
	if (!b)
		return NULL;
	toll_shared_init(&b->shared, destroy);
	snprintf(b->version, sizeof(b->version), "%s", e->version);
	b->len = spantoll__pricing__v1__price_book__pack(&m, (uint8_t *)b->bytes);
	return b;
}

struct toll_pricing_body *toll_pricing_body(struct pricing_service *s, const struct toll_edition *e)
{
	struct toll_pricing_body *fresh;

	if (s->body && strcmp(s->body->version, e->version) == 0)
		return s->body;
	fresh = pack(e);
	if (!fresh)
		return NULL;
	if (s->body)
		toll_shared_unref(&s->body->shared);
	s->body = fresh;
	return fresh;
}
