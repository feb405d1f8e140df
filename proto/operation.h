/* SPDX-License-Identifier: Apache-2.0 */
/* operation.h - what a span does, as one low-cardinality name: the second half of a price's key.
 *
 * The first of these that the span itself carries (its resource does not count): http.route;
 * url.template; the path of url.path, http.target, url.full or http.url, folded; rpc.method if it
 * holds a '/', else rpc.service/rpc.method; the span's name as it is. */
#ifndef TOLL_PROTO_OPERATION_H
#define TOLL_PROTO_OPERATION_H

#include "proto/batch.h"

#define TOLL_OPERATION_MAX 512u /* bytes; longer ones are cut at a character */

struct toll_path_rules;

/* Fills span->operation; it lies in the wire bytes or the batch's arena. Where there is no memory
 * the operation is the span's name. rules: NULL, or how hash_path folds. */
void toll_span_derive_operation(struct toll_batch *b, struct toll_span *s,
                                const struct toll_path_rules *rules);

/* All spans that have no operation yet. */
void toll_batch_derive_operations(struct toll_batch *b, const struct toll_path_rules *rules);

#endif
