/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/envoy/question.h"

#include <string.h>

#include "base/hash.h"
#include "budget/question.h"

#define REQUEST_ID "request_id"

void toll_envoy_headers_init(struct toll_envoy_headers *h, const struct toll_pair_list *headers)
{
	h->names[0] = TOLL_SLICE("x-request-id");
	h->dimensions[0] = TOLL_SLICE(REQUEST_ID);
	h->count = 1;
	for (size_t i = 0; i < headers->count && h->count < TOLL_ENVOY_WANTED_MAX; i++) {
		h->dimensions[h->count] = headers->at[i].key;
		h->names[h->count++] = headers->at[i].value;
	}
}

/* What Envoy's own actions put into descriptors beside the user's keys: no dimensions. */
static bool is_of_envoy(struct toll_slice key)
{
	static const char *const keys[] = { "generic_key",        "remote_address",
		                            "header_match",       "masked_remote_address",
		                            "query_match",        "source_cluster",
		                            "destination_cluster" };

	for (size_t i = 0; i < TOLL_COUNT(keys); i++)
		if (toll_slice_is(key, keys[i]))
			return true;
	return false;
}

static int tell(struct toll_flag_question *q, struct toll_slice key, struct toll_slice value)
{
	if (!value.len || is_of_envoy(key))
		return 0;
	if (!toll_slice_is(key, REQUEST_ID))
		return toll_question_tell(q, key, value) ? 0 : TOLL_ETOOBIG;
	q->dice = toll_hash(value);
	return 0;
}

static void begin(struct toll_flag_question *q, uint64_t dice)
{
	q->count = 0;
	q->criticality = TOLL_CRITICALITY_UNKNOWN;
	q->dice = dice;
}

/* ---- descriptors ---- */

int toll_envoy_ask_entries(const struct toll_envoy_entry *entries, uint32_t count, uint64_t dice,
                           struct toll_flag_question *ret)
{
	int err = 0;

	begin(ret, dice);
	for (uint32_t i = 0; !err && i < count; i++)
		err = tell(ret, entries[i].key, entries[i].value);
	return err;
}

/* ---- checks ---- */

#define SPIFFE "spiffe://"

static bool is_spiffe(struct toll_slice principal)
{
	return principal.len > strlen(SPIFFE) && memcmp(principal.ptr, SPIFFE, strlen(SPIFFE)) == 0;
}

/* spiffe://cluster.local/ns/shop/sa/payment: payment; other names as they are. */
static struct toll_slice name_of(struct toll_slice principal)
{
	const char *slash;

	if (!is_spiffe(principal))
		return principal;
	slash = memrchr(principal.ptr, '/', principal.len); /* the scheme has one */
	return toll_slice(slash + 1, (size_t)(principal.ptr + principal.len - slash - 1));
}

/* spiffe://cluster.local/ns/shop/sa/payment: shop; else nothing. */
static struct toll_slice namespace_of(struct toll_slice principal)
{
	const char *at, *end;

	if (!is_spiffe(principal))
		return toll_slice(NULL, 0);
	at = memmem(principal.ptr, principal.len, "/ns/", 4);
	if (!at)
		return toll_slice(NULL, 0);
	at += 4;
	end = memchr(at, '/', (size_t)(principal.ptr + principal.len - at));
	return end ? toll_slice(at, (size_t)(end - at)) : toll_slice(NULL, 0);
}

static int tell_destination(struct toll_flag_question *q,
                            const struct toll_envoy_check_request *check)
{
	struct toll_slice name = check->service.len ? check->service : name_of(check->principal);
	int err = tell(q, TOLL_SLICE("service"), name);

	return err ? err : tell(q, TOLL_SLICE("namespace"), namespace_of(check->principal));
}

int toll_envoy_ask_check(const struct toll_envoy_check_request *q,
                         const struct toll_envoy_headers *headers, uint64_t dice,
                         struct toll_flag_question *ret)
{
	int err = 0;

	begin(ret, dice);
	for (uint32_t i = 0; !err && i < q->extension_count; i++)
		err = tell(ret, q->extensions[i].key, q->extensions[i].value);
	for (uint32_t i = 0; !err && i < headers->count; i++)
		err = tell(ret, headers->dimensions[i], q->headers[i]);
	return err ? err : tell_destination(ret, q);
}
