/* SPDX-License-Identifier: Apache-2.0 */
/* question.h - what the flags are asked, from what Envoy tells of a request.
 *
 * Dimensions are told by name: the key of a descriptor's entry, of a context extension, or what a
 * header stands for by configuration. Of one dimension told twice the first counts; one without a
 * value is not told. */
#ifndef TOLL_EXTENSIONS_ENVOY_QUESTION_H
#define TOLL_EXTENSIONS_ENVOY_QUESTION_H

#include "budget/flags.h"
#include "config/schema.h"
#include "extensions/envoy/message.h"

/* Which headers tell what. */
struct toll_envoy_headers {
	struct toll_slice names[TOLL_ENVOY_WANTED_MAX];
	struct toll_slice dimensions[TOLL_ENVOY_WANTED_MAX]; /* of names[1] and so on */
	uint32_t count;
};

#define TOLL_ENVOY_HEADERS_CONFIGURED_MAX (TOLL_ENVOY_WANTED_MAX - 1)

/* headers: dimension -> header name, at most TOLL_ENVOY_HEADERS_CONFIGURED_MAX; borrowed. */
void toll_envoy_headers_init(struct toll_envoy_headers *h, const struct toll_pair_list *headers);

/* Both fill *ret with views. dice: random bits; a request with an id has its own, so that it is
 * answered the same when it comes again. TOLL_ETOOBIG: more than TOLL_QUESTION_MAX dimensions. */
int toll_envoy_ask_entries(const struct toll_envoy_entry *entries, uint32_t count, uint64_t dice,
                           struct toll_flag_question *ret) TOLL_MUST_CHECK;
int toll_envoy_ask_check(const struct toll_envoy_check_request *q,
                         const struct toll_envoy_headers *headers, uint64_t dice,
                         struct toll_flag_question *ret) TOLL_MUST_CHECK;

#endif
