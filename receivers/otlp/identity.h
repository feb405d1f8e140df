/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h - which services a client may bill, and where the rest of its spend goes.
 *
 * A resource whose service.name is outside its client's list is booked to "unverified:<client>": as
 * Kafka key, in records, in Redis, and on the wire, where cost.claimed_service keeps what the
 * client said. Prices are those of the claimed service. docs/adr/0019. */
#ifndef TOLL_RECEIVERS_OTLP_IDENTITY_H
#define TOLL_RECEIVERS_OTLP_IDENTITY_H

#include "config/schema.h"
#include "proto/batch.h"

#define TOLL_OTLP_IDENTITIES_MAX 1000

#define TOLL_CLAIMED_SERVICE "cost.claimed_service"

/* An element of receivers::otlp::identities. */
struct toll_otlp_identity {
	struct toll_slice name;          /* glob over identities */
	struct toll_slice_list services; /* globs */
};

/* Spans that were booked elsewhere, by reason. */
struct toll_otlp_unverified {
	uint32_t not_allowed; /* the service is not in the client's lists */
	uint32_t reserved;    /* the client used a name that begins with "unverified:" */
};

/* identity: NULL or "": nobody knows. Rules that are empty allow every name but reserved ones.
 * After decoding, before any processor. TOLL_ENOMEM, TOLL_EFULL, TOLL_ETOOBIG: the batch is of no
 * use any more. */
int toll_otlp_book(struct toll_batch *b, const struct toll_group_list *rules, const char *identity,
                   struct toll_otlp_unverified *ret) TOLL_MUST_CHECK;

#endif
