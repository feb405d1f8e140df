/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_decode.h - ExportTraceServiceRequest -> batch views: one pass, no recursion, limits
 * enforced. */
#ifndef TOLL_PROTO_OTLP_DECODE_H
#define TOLL_PROTO_OTLP_DECODE_H

#include "proto/batch.h"

/* Per request; over any of them: TOLL_EINVALID (limits of design, "security"). */
#define TOLL_MAX_RESOURCES 10000u
#define TOLL_MAX_SCOPES    10000u
#define TOLL_MAX_SPANS     100000u
#define TOLL_MAX_ATTRS     1000000u
/* Messages in messages inside an attribute. protobuf's own limit is 100, the envelope included:
 * what passes here can be read by everybody behind us. */
#define TOLL_MAX_DEPTH 64u

/* Fills the views of a batch whose wire bytes are in place. 0: decoded; single spans that cannot be
 * forwarded are marked dropped (see dropped_count) and stay out of everything. TOLL_EINVALID:
 * malformed or over a limit; TOLL_ENOMEM, TOLL_ETOOBIG: no room for the views. *ret_why (may be
 * NULL): static sentence for the client. */
int toll_otlp_decode(struct toll_batch *b, const char **ret_why) TOLL_MUST_CHECK;

/* The same for what toll_otlp_encode() has written of a whole batch: after the work of processors
 * it may have more and smaller attributes than a client may send. Any bytes may come. */
int toll_otlp_decode_own(struct toll_batch *b) TOLL_MUST_CHECK;

/* What the views of a request may take, as a multiple of its size and a constant: the smallest real
 * attributes and spans need about five times their size; more than this is an attack. */
#define TOLL_VIEWS_PER_WIRE_BYTE 6u
#define TOLL_VIEWS_BYTES         ((size_t)1 << 20)

/* What processors may add to a decoded batch: so much per span that is kept, all views and all of
 * the request's bytes once more, and a constant. */
#define TOLL_EDIT_BYTES_PER_SPAN ((size_t)1024)
#define TOLL_EDIT_BYTES          ((size_t)64 * 1024)

#endif
