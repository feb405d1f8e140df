/* SPDX-License-Identifier: Apache-2.0 */
/* follow.c - prices from another spantoll: the stream of its pricing service (proto/pricing.proto).
 */
#include "extensions/pricebook/message.h"
#include "extensions/pricebook/private.h"
#include "net/grpc_watch.h"
#include "pipeline/client_pem.h"
#include "proto/pricing.pb-c.h"

/* The service speaks at least every `heartbeat`, 30 s unless it was told otherwise. */
#define SILENCE_NS (150 * TOLL_S)
#define METHOD     "/spantoll.pricing.v1.PricingService/WatchPriceBook"

bool toll_pricebook_follows(const struct pricebook *p)
{
	return toll_prices_scheme(p->config->endpoint) >= TOLL_PRICES_GRPC;
}

/* ---- what comes ---- */

static uint64_t before_now(uint64_t age_ns)
{
	uint64_t now = toll_clock_wall_ns();

	return now > age_ns ? now - age_ns : 0;
}

static int on_message(void *ctx, struct toll_slice bytes)
{
	struct pricebook *p = ctx;
	struct toll_pricebook_answer a = { .err = 0 };
	struct toll_price_message m;
	struct toll_error why;

	a.err = toll_price_message_read(bytes, &m, &why);
	/* Without documents it speaks of those that we have. */
	if (!a.err && !m.edition && !(p->current && strcmp(m.version, p->current->version) == 0))
		a.err = toll_fail(&why, TOLL_EINVALID,
		                  "the price service sent no documents of version %s", m.version);
	a.why = why.text;
	a.take_edition = m.edition;
	a.sync_wall_ns = before_now(m.age_ns);
	toll_pricebook_answered(p, &a);
	return 0;
}

/* ---- the stream ---- */

static size_t pack_request(const struct pricebook *p, char buf[64])
{
	Spantoll__Pricing__V1__WatchPriceBookRequest q =
		SPANTOLL__PRICING__V1__WATCH_PRICE_BOOK_REQUEST__INIT;

	if (p->current)
		q.version = p->current->version;
	return spantoll__pricing__v1__watch_price_book_request__pack(&q, (uint8_t *)buf);
}

static int watch(struct pricebook *p, const struct toll_grpc_client_tls *tls,
                 struct toll_error *reterr)
{
	const struct toll_grpc_client_settings client = {
		.target = strstr(p->config->endpoint.ptr, "://") + strlen("://"),
		.round_robin = true, /* each follower to another replica */
		.tls = tls,
		.max_response_bytes = TOLL_PRICE_MESSAGE_MAX,
	};
	char request[64];
	const struct toll_grpc_watch w = { .client = &client,
		                           .method = METHOD,
		                           .request = toll_slice(request, pack_request(p, request)),
		                           .silence_ns = SILENCE_NS,
		                           .abort = &p->stop,
		                           .on_message = on_message,
		                           .ctx = p };

	return toll_grpc_watch(&w, reterr);
}

/* Certificates are read for every stream: new ones count from the next on. */
static int watch_secure(struct pricebook *p, struct toll_error *reterr)
{
	const struct toll_client_tls *set = &p->config->tls;
	struct toll_client_pems pems = { NULL, NULL, NULL };
	struct toll_grpc_client_tls tls = { .skip_verify = set->insecure_skip_verify };
	int err = toll_client_pems_load(set, &pems, reterr);

	if (err)
		return err;
	tls.ca_pem = pems.ca;
	tls.cert_pem = pems.cert;
	tls.key_pem = pems.key;
	tls.server_name = set->server_name_override.len ? set->server_name_override.ptr : NULL;
	err = watch(p, &tls, reterr);
	toll_client_pems_release(&pems);
	return err;
}

void toll_pricebook_follow(struct pricebook *p)
{
	struct toll_pricebook_answer a = { .err = 0 };
	struct toll_error why = { .text = "" };

	toll_pricebook_attempt(p);
	if (toll_prices_scheme(p->config->endpoint) == TOLL_PRICES_GRPCS)
		a.err = watch_secure(p, &why);
	else
		a.err = watch(p, NULL, &why);
	a.why = why.text;
	if (a.err != TOLL_ESHUTDOWN)
		toll_pricebook_answered(p, &a);
}
