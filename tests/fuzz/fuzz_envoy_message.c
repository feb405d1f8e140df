/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_envoy_message.c - what is read from Envoy's requests lies inside them and within the limits,
 * whichever of the two a message is taken for. */
#include <assert.h>
#include <stdint.h>

#include "base/macro.h"
#include "extensions/envoy/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct toll_slice message, struct toll_slice s)
{
	assert(s.len == 0 ||
	       (s.ptr >= message.ptr && s.len <= (size_t)(message.ptr + message.len - s.ptr)));
}

static void read_limit(struct toll_slice message)
{
	static struct toll_envoy_limit_request q;
	uint32_t entries = 0;

	if (toll_envoy_read_limit(message, &q) < 0)
		return;
	inside(message, q.domain);
	assert(q.descriptor_count <= TOLL_ENVOY_DESCRIPTORS_MAX);
	assert(q.entry_count <= TOLL_ENVOY_ENTRIES_MAX);
	for (uint32_t i = 0; i < q.descriptor_count; i++) {
		assert(q.descriptors[i].first == entries);
		entries += q.descriptors[i].count;
	}
	assert(entries == q.entry_count);
	for (uint32_t i = 0; i < q.entry_count; i++) {
		inside(message, q.entries[i].key);
		inside(message, q.entries[i].value);
	}
}

static void read_check(struct toll_slice message)
{
	static const struct toll_slice names[] = { TOLL_SLICE("x-service-name"), TOLL_SLICE("a"),
		                                   TOLL_SLICE("x-request-id") };
	const struct toll_envoy_wanted wanted = { names, TOLL_COUNT(names) };
	static struct toll_envoy_check_request q;

	if (toll_envoy_read_check(message, &wanted, &q) < 0)
		return;
	inside(message, q.service);
	inside(message, q.principal);
	assert(q.extension_count <= TOLL_ENVOY_EXTENSIONS_MAX);
	for (uint32_t i = 0; i < q.extension_count; i++) {
		inside(message, q.extensions[i].key);
		inside(message, q.extensions[i].value);
	}
	for (uint32_t i = 0; i < wanted.count; i++)
		inside(message, q.headers[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_slice message = toll_slice(data, size);

	read_limit(message);
	read_check(message);
	return 0;
}
