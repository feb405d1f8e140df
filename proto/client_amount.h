/* SPDX-License-Identifier: Apache-2.0 */
/* client_amount.h - the amount that a span came with, by its attributes: a client's, for
 * `trust_client: true`, or that of whoever priced it before. */
#ifndef TOLL_PROTO_CLIENT_AMOUNT_H
#define TOLL_PROTO_CLIENT_AMOUNT_H

#include "proto/batch.h"

enum toll_client_amount { TOLL_CLIENT_NONE = 0, TOLL_CLIENT_VALID, TOLL_CLIENT_INVALID };

/* VALID: a finite number of 0 to a million dollars, by its shortest decimal; cost.currency is
 * absent or USD. */
enum toll_client_amount toll_client_amount(const struct toll_span *s, int64_t *ret_pico);

#endif
