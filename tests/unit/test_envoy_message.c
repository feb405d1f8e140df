/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/macro.h"
#include "extensions/envoy/message.h"
#include "proto/wire.h"
#include "tests/unit/unit.h"

#define BYTES(field) TOLL_TAG(field, TOLL_WIRE_BYTES)

/* ---- messages from the inside out ---- */

struct message {
	char bytes[256 << 10];
	size_t len;
};

static struct message *new_message(void)
{
	struct message *m = malloc(sizeof(*m));

	assert_non_null(m);
	m->len = 0;
	return m;
}

static struct toll_slice bytes_of(const struct message *m)
{
	return toll_slice(m->bytes, m->len);
}

static void put(struct message *m, unsigned field, struct toll_slice value)
{
	m->len = (size_t)(toll_write_bytes(m->bytes + m->len, BYTES(field), value) - m->bytes);
}

static void put_number(struct message *m, unsigned field, uint64_t value)
{
	char *out = toll_write_varint(m->bytes + m->len, TOLL_TAG(field, TOLL_WIRE_VARINT));

	m->len = (size_t)(toll_write_varint(out, value) - m->bytes);
}

/* Its bytes become a field of m, and it is gone. */
static void put_message(struct message *m, unsigned field, struct message *take_inner)
{
	put(m, field, bytes_of(take_inner));
	free(take_inner);
}

static struct message *pair(const char *key, unsigned value_field, const char *value)
{
	struct message *m = new_message();

	put(m, 1, toll_slice_str(key));
	put(m, value_field, toll_slice_str(value));
	return m;
}

/* An entry with key and value as fields 1 and 2. */
static void put_entry(struct message *m, unsigned field, const char *key, const char *value)
{
	put_message(m, field, pair(key, 2, value));
}

/* CheckRequest.attributes of these attributes. */
static struct message *check_of(struct message *take_attributes)
{
	struct message *m = new_message();

	put_message(m, 1, take_attributes);
	return m;
}

static struct message *attributes_of_http(struct message *take_http)
{
	struct message *request = new_message(), *attributes = new_message();

	put_message(request, 2, take_http);
	put_message(attributes, 4, request);
	return attributes;
}

#define assert_slice(s, text) assert_true(toll_slice_is((s), (text)))

/* ---- RateLimitRequest ---- */

static void it_reads_domain_and_descriptors(void **state TOLL_UNUSED)
{
	struct message *m = new_message(), *first = new_message(), *second = new_message();
	struct toll_envoy_limit_request q;

	put_entry(first, 1, "service", "payment-svc");
	put_entry(first, 1, "tenant", "acme");
	put_entry(second, 1, "generic_key", "x");
	put_number(second, 9, 7);
	put(m, 1, TOLL_SLICE("spantoll"));
	put_message(m, 2, first);
	put_number(m, 3, 5);
	put_message(m, 2, second);
	put_message(m, 2, new_message());
	assert_int_equal(toll_envoy_read_limit(bytes_of(m), &q), 0);
	assert_slice(q.domain, "spantoll");
	assert_int_equal(q.descriptor_count, 3);
	assert_int_equal(q.descriptors[0].count, 2);
	assert_int_equal(q.descriptors[1].first, 2);
	assert_int_equal(q.descriptors[1].count, 1);
	assert_int_equal(q.descriptors[2].count, 0);
	assert_slice(q.entries[1].key, "tenant");
	assert_slice(q.entries[1].value, "acme");
	free(m);
}

static void more_descriptors_or_entries_than_the_limit_are_refused(void **state TOLL_UNUSED)
{
	struct message *many = new_message(), *full = new_message(), *d = new_message();
	struct toll_envoy_limit_request q;

	for (int i = 0; i < TOLL_ENVOY_DESCRIPTORS_MAX; i++)
		put(many, 2, TOLL_SLICE(""));
	assert_int_equal(toll_envoy_read_limit(bytes_of(many), &q), 0);
	put(many, 2, TOLL_SLICE(""));
	assert_int_equal(toll_envoy_read_limit(bytes_of(many), &q), TOLL_ETOOBIG);
	for (int i = 0; i < TOLL_ENVOY_ENTRIES_MAX / 2; i++)
		put(d, 1, TOLL_SLICE(""));
	put(full, 2, bytes_of(d));
	put(full, 2, bytes_of(d));
	assert_int_equal(toll_envoy_read_limit(bytes_of(full), &q), 0);
	assert_int_equal(q.entry_count, TOLL_ENVOY_ENTRIES_MAX);
	put(d, 1, TOLL_SLICE(""));
	put(full, 2, bytes_of(d));
	assert_int_equal(toll_envoy_read_limit(bytes_of(full), &q), TOLL_ETOOBIG);
	free(many);
	free(full);
	free(d);
}

/* ---- CheckRequest ---- */

static const struct toll_slice names[] = { TOLL_SLICE("x-service-name"), TOLL_SLICE("x-tenant-id"),
	                                   TOLL_SLICE("x-request-id") };
static const struct toll_envoy_wanted wanted = { names, TOLL_COUNT(names) };

static void it_reads_extensions_headers_and_destination(void **state TOLL_UNUSED)
{
	struct message *http = new_message(), *to = new_message(), *attributes, *m;
	struct toll_envoy_check_request q;

	put(http, 4, TOLL_SLICE("/pay"));
	put_entry(http, 3, "X-Tenant-ID", "acme");
	put_entry(http, 3, "x-tenant-idx", "no");
	put_entry(http, 3, "x-request-id", "");
	attributes = attributes_of_http(http);
	put(to, 2, TOLL_SLICE("payment"));
	put(to, 4, TOLL_SLICE("spiffe://cluster.local/ns/shop/sa/payment"));
	put_entry(to, 3, "app", "payment"); /* labels */
	put_message(attributes, 2, to);
	put_entry(attributes, 10, "service", "payment-svc");
	put_entry(attributes, 11, "metadata", "skipped");
	m = check_of(attributes);
	assert_int_equal(toll_envoy_read_check(bytes_of(m), &wanted, &q), 0);
	assert_int_equal(q.header_count, 3);
	assert_null(q.headers[0].ptr);
	assert_slice(q.headers[1], "acme");
	assert_non_null(q.headers[2].ptr);
	assert_slice(q.service, "payment");
	assert_slice(q.principal, "spiffe://cluster.local/ns/shop/sa/payment");
	assert_int_equal(q.extension_count, 1);
	assert_slice(q.extensions[0].key, "service");
	assert_slice(q.extensions[0].value, "payment-svc");
	free(m);
}

static void raw_headers_are_read_too(void **state TOLL_UNUSED)
{
	struct message *map = new_message(), *http = new_message(), *m;
	struct toll_envoy_check_request q;

	put_message(map, 1, pair("x-service-name", 3, "cart"));
	put_message(http, 13, map);
	m = check_of(attributes_of_http(http));
	assert_int_equal(toll_envoy_read_check(bytes_of(m), &wanted, &q), 0);
	assert_slice(q.headers[0], "cart");
	free(m);
}

static void more_headers_or_extensions_than_the_limit_are_refused(void **state TOLL_UNUSED)
{
	struct message *http = new_message(), *attributes = new_message(), *m;
	struct toll_envoy_check_request q;

	for (int i = 0; i <= TOLL_ENVOY_HEADERS_MAX; i++)
		put_entry(http, 3, "a", "b");
	m = check_of(attributes_of_http(http));
	assert_int_equal(toll_envoy_read_check(bytes_of(m), &wanted, &q), TOLL_ETOOBIG);
	free(m);
	for (int i = 0; i <= TOLL_ENVOY_EXTENSIONS_MAX; i++)
		put_entry(attributes, 10, "a", "b");
	m = check_of(attributes);
	assert_int_equal(toll_envoy_read_check(bytes_of(m), &wanted, &q), TOLL_ETOOBIG);
	free(m);
}

/* Struct and Value of google.protobuf, one in the other: what would overflow the stack of who
 * unpacks them. */
static void metadata_may_be_nested_as_deep_as_it_likes(void **state TOLL_UNUSED)
{
	struct message *inner = new_message(), *attributes = new_message(), *m;
	struct toll_envoy_check_request q;

	for (int depth = 0; depth < 10000; depth++) {
		struct message *outer = new_message();

		put_message(outer, depth % 2 ? 1 : 5, inner);
		inner = outer;
	}
	put_message(attributes, 11, inner);
	put_entry(attributes, 10, "service", "cart");
	m = check_of(attributes);
	assert_int_equal(toll_envoy_read_check(bytes_of(m), &wanted, &q), 0);
	assert_slice(q.extensions[0].value, "cart");
	free(m);
}

/* Nothing is read behind the end, wherever that is: the copy has no byte to spare for ASan. */
static void a_message_cut_anywhere_is_refused_or_short(void **state TOLL_UNUSED)
{
	struct message *http = new_message(), *m;
	struct toll_envoy_check_request q;
	struct toll_envoy_limit_request limit;
	unsigned refused = 0;

	put_entry(http, 3, "x-service-name", "cart");
	m = check_of(attributes_of_http(http));
	for (size_t len = 0; len < m->len; len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, m->bytes, len);
		refused += toll_envoy_read_check(toll_slice(copy, len), &wanted, &q) < 0;
		assert_int_equal(toll_envoy_read_limit(toll_slice(copy, len), &limit) < 0, len > 0);
		free(copy);
	}
	assert_int_equal(refused, m->len - 1); /* the empty message is one */
	free(m);
}

static void malformed_messages_are_refused(void **state TOLL_UNUSED)
{
	static const struct toll_slice cases[] = {
		TOLL_SLICE("\x0a"), /* no length */
		TOLL_SLICE("\x0a\x05"
		           "ab"),       /* shorter than it says */
		TOLL_SLICE("\x00\x00"), /* field 0 */
		TOLL_SLICE("\x0c"),     /* a group's end */
		TOLL_SLICE("\x0f\x00"), /* wire type 7 */
		TOLL_SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* varint of 11
		                                                                   bytes */
		TOLL_SLICE("\x0d\x01\x02"), /* fixed32 of 2 bytes */
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_envoy_check_request check;
		struct toll_envoy_limit_request limit;

		if (toll_envoy_read_check(cases[i], &wanted, &check) != TOLL_EINVALID ||
		    toll_envoy_read_limit(cases[i], &limit) != TOLL_EINVALID)
			fail_msg("case %zu", i);
	}
}

/* ---- answers ---- */

static const struct toll_envoy_refusal refusal = {
	.status = 429,
	.header_count = 2,
	.headers = { { TOLL_SLICE("retry-after"), TOLL_SLICE("60") },
	             { TOLL_SLICE("x"), TOLL_SLICE("y") } },
	.body = TOLL_SLICE("{}"),
};

static void an_answer_is_what_envoy_reads(void **state TOLL_UNUSED)
{
	static const struct toll_envoy_status statuses[] = { { false, 0 }, { true, 300 } };
	static const char pass[] = "\x08\x01"
				   "\x12\x02\x08\x01"
				   "\x12\x07\x08\x02\x22\x03\x08\xac\x02";
	static const char over[] = "\x08\x02"
				   "\x12\x02\x08\x01"
				   "\x12\x07\x08\x02\x22\x03\x08\xac\x02"
				   "\x1a\x11\x0a\x0bretry-after\x12\x02"
				   "60"
				   "\x1a\x06\x0a\x01x\x12\x01y"
				   "\x2a\x02{}";
	static const char denied[] = "\x0a\x02\x08\x08"
				     "\x12\x2c"
				     "\x0a\x03\x08\xad\x03"
				     "\x12\x15\x0a\x11\x0a\x0bretry-after\x12\x02"
				     "60"
				     "\x18\x02"
				     "\x12\x0a\x0a\x06\x0a\x01x\x12\x01y"
				     "\x18\x02"
				     "\x1a\x02{}";
	char out[TOLL_ENVOY_ANSWER_MAX(64)];
	size_t len = (size_t)(toll_envoy_write_limit(out, statuses, 2, NULL) - out);

	assert_int_equal(len, sizeof(pass) - 1);
	assert_memory_equal(out, pass, len);
	len = (size_t)(toll_envoy_write_limit(out, statuses, 2, &refusal) - out);
	assert_int_equal(len, sizeof(over) - 1);
	assert_memory_equal(out, over, len);
	len = (size_t)(toll_envoy_write_check(out, &refusal) - out);
	assert_int_equal(len, sizeof(denied) - 1);
	assert_memory_equal(out, denied, len);
	assert_ptr_equal(toll_envoy_write_check(out, NULL), out + 2);
	assert_memory_equal(out, "\x0a\x00", 2);
}

static void the_longest_answer_fits_its_bound(void **state TOLL_UNUSED)
{
	static char text[100000], out[TOLL_ENVOY_ANSWER_MAX(9 * sizeof(text))];
	struct toll_envoy_status statuses[TOLL_ENVOY_DESCRIPTORS_MAX];
	struct toll_envoy_refusal r = { .status = UINT32_MAX,
		                        .header_count = TOLL_ENVOY_REFUSAL_HEADERS,
		                        .body = toll_slice(text, sizeof(text)) };

	for (int i = 0; i < TOLL_ENVOY_DESCRIPTORS_MAX; i++)
		statuses[i] = (struct toll_envoy_status){ true, UINT64_MAX };
	for (int i = 0; i < TOLL_ENVOY_REFUSAL_HEADERS; i++)
		r.headers[i] = (struct toll_envoy_entry){ r.body, r.body };
	assert_int_equal(toll_envoy_refusal_size(&r), 9 * sizeof(text));
	assert_true(toll_envoy_write_limit(out, statuses, TOLL_ENVOY_DESCRIPTORS_MAX, &r) <=
	            out + sizeof(out));
	assert_true(toll_envoy_write_check(out, &r) <= out + sizeof(out));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_domain_and_descriptors),
		cmocka_unit_test(more_descriptors_or_entries_than_the_limit_are_refused),
		cmocka_unit_test(it_reads_extensions_headers_and_destination),
		cmocka_unit_test(raw_headers_are_read_too),
		cmocka_unit_test(more_headers_or_extensions_than_the_limit_are_refused),
		cmocka_unit_test(metadata_may_be_nested_as_deep_as_it_likes),
		cmocka_unit_test(a_message_cut_anywhere_is_refused_or_short),
		cmocka_unit_test(malformed_messages_are_refused),
		cmocka_unit_test(an_answer_is_what_envoy_reads),
		cmocka_unit_test(the_longest_answer_fits_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
