/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - spantoll.pricing.v1.PriceBook (proto/pricing.proto) as it comes from a peer.
 *
 * Read here and not by protobuf-c: a few bytes per document would make it allocate without end. */
#ifndef TOLL_EXTENSIONS_PRICEBOOK_MESSAGE_H
#define TOLL_EXTENSIONS_PRICEBOOK_MESSAGE_H

#include "prices/edition.h"

/* Most bytes of a message: the documents and what is around them. */
#define TOLL_PRICE_MESSAGE_MAX (TOLL_EDITION_MAX_BYTES + (size_t)64 * 1024)

struct toll_price_message {
	char version[TOLL_EDITION_VERSION];
	uint64_t age_ns;
	struct toll_edition *edition; /* the reader's reference; NULL: no documents */
};

/* TOLL_EINVALID: malformed, or the version is not that of the documents; TOLL_EFULL, TOLL_ETOOBIG,
 * TOLL_ENOMEM. */
int toll_price_message_read(struct toll_slice message, struct toll_price_message *ret,
                            struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
