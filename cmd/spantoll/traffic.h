/* SPDX-License-Identifier: Apache-2.0 */
/* traffic.h - a believable shop's traces as OTLP requests; the same bytes for the same seed and
 * times.
 *
 * Twelve services call each other over HTTP, databases, queues, the AWS SDK and language models.
 * Spans wait per service, as in each process's own SDK, until they are taken as a request. One
 * thread. */
#ifndef TOLL_CMD_TRAFFIC_H
#define TOLL_CMD_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/slice.h"

#define TOLL_SHOP_SERVICES       12u
#define TOLL_SHOP_SERVICES_LIMIT 1000u

struct toll_traffic;

struct toll_traffic_settings {
	uint64_t seed;
	/* 1 to TOLL_SHOP_SERVICES_LIMIT names; 0: the shop's twelve. More are further shops
	 * ("cart-2"), fewer share what there is. */
	uint32_t services;
};

struct toll_traffic_request {
	struct toll_slice body; /* ExportTraceServiceRequest; valid until the next take */
	const char *service;
	uint32_t spans;
};

struct toll_traffic *
toll_traffic_new(const struct toll_traffic_settings *set);      /* NULL: no memory */
struct toll_traffic *toll_traffic_free(struct toll_traffic *t); /* always returns NULL */

/* Adds one trace that ends at this time. Returns its number of spans, 0 when out of memory. */
uint32_t toll_traffic_trace(struct toll_traffic *t, uint64_t end_unix_nano);

/* A service that has at least min_spans waiting (1: whatever there is), at most max_spans of them.
 * False when there is none, or out of memory: then the spans go on waiting. */
bool toll_traffic_take(struct toll_traffic *t, uint32_t min_spans, uint32_t max_spans,
                       struct toll_traffic_request *ret);

/* From now on ai-assistant's model fails and is asked again and again, by more visitors. */
void toll_traffic_set_storm(struct toll_traffic *t, bool storm);
/* What a mesh does that reads the throttle flag: calls to this service are answered 429, messages
 * for it stay in their queue. Unknown names are ignored. */
void toll_traffic_refuse(struct toll_traffic *t, struct toll_slice service, bool refused);

/* The example rates of the shop's services as a price document. */
void toll_traffic_print_prices(FILE *out);

#endif
