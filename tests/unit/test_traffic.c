/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/traffic.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "proto/attr.h"
#include "proto/otlp_decode.h"
#include "tests/unit/unit.h"

#define NOW UINT64_C(1795255200000000000)

static struct toll_traffic *new_traffic(uint64_t seed, uint32_t services)
{
	struct toll_traffic_settings set = { seed, services };
	struct toll_traffic *t = toll_traffic_new(&set);

	assert_non_null(t);
	return t;
}

static struct toll_batch *decode(struct toll_slice body)
{
	struct toll_batch *b = NULL;
	const char *why = NULL;
	char *wire;

	assert_int_equal(toll_batch_new(body.len, NULL, &wire, &b), 0);
	memcpy(wire, body.ptr, body.len);
	assert_int_equal(toll_otlp_decode(b, &why), 0);
	assert_int_equal(b->dropped_count, 0);
	return b;
}

/* Ids of every span and of every parent that was named, over all requests. */
struct ids {
	struct toll_table spans, parents;
	char keys[20000][24];
	uint32_t used;
};

static void keep_id(struct ids *ids, struct toll_table *t, const uint8_t *trace, const uint8_t *id)
{
	char *key = ids->keys[ids->used++];

	assert_true(ids->used < TOLL_COUNT(ids->keys));
	memcpy(key, trace, 16);
	memcpy(key + 16, id, 8);
	assert_int_equal(toll_table_insert(t, toll_slice(key, 24), &(uint32_t *){ NULL }, NULL), 0);
}

static void check_span(struct ids *ids, const struct toll_span *s)
{
	assert_true(s->start_unix_nano <= s->end_unix_nano);
	assert_true(s->end_unix_nano <= NOW);
	assert_true(s->end_unix_nano - s->start_unix_nano < UINT64_C(120000000000));
	assert_true(s->name.len > 0);
	assert_in_range(s->kind, 1, 5);
	keep_id(ids, &ids->spans, s->trace_id, s->span_id);
	if (s->parent_span_id)
		keep_id(ids, &ids->parents, s->trace_id, s->parent_span_id);
}

static void every_span_arrives_and_has_its_parent(void **state TOLL_UNUSED)
{
	struct ids *ids = calloc(1, sizeof(*ids));
	struct toll_traffic *t = new_traffic(1, 0);
	struct toll_traffic_request q;
	uint32_t made = 0, taken = 0;

	assert_int_equal(toll_table_init(&ids->spans, 20000), 0);
	assert_int_equal(toll_table_init(&ids->parents, 20000), 0);
	for (int i = 0; i < 500; i++)
		made += toll_traffic_trace(t, NOW);
	while (toll_traffic_take(t, 1, 100, &q)) {
		struct toll_batch *b = decode(q.body);

		assert_in_range(q.spans, 1, 100);
		assert_int_equal(b->span_count, q.spans);
		assert_int_equal(b->resource_count, 1);
		assert_true(toll_slice_is(b->resources[0].service, q.service));
		for (uint32_t i = 0; i < b->span_count; i++)
			check_span(ids, &b->spans[i]);
		taken += q.spans;
		toll_batch_unref(b);
	}
	assert_true(made > 2500);
	assert_int_equal(taken, made);
	assert_int_equal(ids->spans.count, made); /* ids are unique */
	for (uint32_t i = 0; i <= ids->parents.mask; i++)
		if (ids->parents.slots[i].key.ptr)
			assert_non_null(toll_table_find(&ids->spans, ids->parents.slots[i].key));
	toll_table_release(&ids->spans);
	toll_table_release(&ids->parents);
	free(ids);
	toll_traffic_free(t);
}

static uint64_t digest(uint64_t seed)
{
	struct toll_traffic *t = new_traffic(seed, 0);
	struct toll_traffic_request q;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 50; i++)
		toll_traffic_trace(t, NOW + i);
	while (toll_traffic_take(t, 1, 64, &q))
		sum = sum * 31 + toll_hash(q.body);
	toll_traffic_free(t);
	return sum;
}

static void the_same_seed_gives_the_same_bytes(void **state TOLL_UNUSED)
{
	assert_true(digest(7) == digest(7));
	assert_true(digest(7) != digest(8));
}

static void a_request_holds_whole_runs(void **state TOLL_UNUSED)
{
	struct toll_traffic *t = new_traffic(3, 0);
	struct toll_traffic_request q;

	for (int i = 0; i < 200; i++)
		toll_traffic_trace(t, NOW);
	assert_true(toll_traffic_take(t, 40, 40, &q));
	assert_int_equal(q.spans, 40);
	while (toll_traffic_take(t, 40, 40, &q))
		assert_int_equal(q.spans, 40);
	assert_true(toll_traffic_take(t, 1, 40, &q));
	assert_true(q.spans < 40);
	toll_traffic_free(t);
}

static uint32_t count_services(uint32_t services)
{
	struct toll_traffic *t = new_traffic(5, services);
	struct toll_traffic_request q;
	uint32_t n = 0;

	for (int i = 0; i < 3000; i++)
		toll_traffic_trace(t, NOW);
	while (toll_traffic_take(t, 1, UINT32_MAX, &q))
		n++;
	toll_traffic_free(t);
	return n;
}

static void as_many_services_as_asked_for(void **state TOLL_UNUSED)
{
	assert_int_equal(count_services(0), TOLL_SHOP_SERVICES);
	assert_int_equal(count_services(1), 1);
	assert_int_equal(count_services(5), 5);
	assert_int_equal(count_services(30), 30);
}

/* How many spans a service has, and how many of them failed. */
struct tally {
	uint32_t spans, failed, throttled;
};

static struct tally tally(struct toll_traffic *t, const char *service)
{
	struct toll_traffic_request q;
	struct tally n = { 0 };

	for (int i = 0; i < 1000; i++)
		toll_traffic_trace(t, NOW);
	while (toll_traffic_take(t, 1, 1000, &q)) {
		struct toll_batch *b = decode(q.body);

		for (uint32_t i = 0; i < b->span_count; i++) {
			const struct toll_attr *a = toll_node_find_name(
				&b->spans[i].node, TOLL_SLICE("http.response.status_code"));

			n.throttled += a && toll_value_decode(toll_attr_value(a)).integer == 429;
			if (strcmp(q.service, service) != 0)
				continue;
			n.spans++;
			n.failed += b->spans[i].status == 2;
		}
		toll_batch_unref(b);
	}
	return n;
}

static void a_storm_multiplies_the_failing_calls(void **state TOLL_UNUSED)
{
	struct toll_traffic *t = new_traffic(9, 0);
	struct tally calm = tally(t, "ai-assistant"), storm;

	toll_traffic_set_storm(t, true);
	storm = tally(t, "ai-assistant");
	assert_int_equal(calm.failed, 0);
	assert_true(storm.failed > storm.spans / 2);
	assert_true(storm.spans > 3 * calm.spans);
	toll_traffic_free(t);
}

static void a_refused_service_gets_no_calls(void **state TOLL_UNUSED)
{
	struct toll_traffic *t = new_traffic(9, 0);
	struct tally n;

	toll_traffic_refuse(t, TOLL_SLICE("ai-assistant"), true);
	toll_traffic_refuse(t, TOLL_SLICE("nobody"), true);
	n = tally(t, "ai-assistant");
	assert_int_equal(n.spans, 0);
	assert_true(n.throttled > 50);
	toll_traffic_refuse(t, TOLL_SLICE("ai-assistant"), false);
	n = tally(t, "ai-assistant");
	assert_true(n.spans > 0);
	assert_int_equal(n.throttled, 0);
	toll_traffic_free(t);
}

static void a_queue_keeps_messages_for_a_refused_worker(void **state TOLL_UNUSED)
{
	struct toll_traffic *t = new_traffic(11, 0);
	struct tally n;

	toll_traffic_refuse(t, TOLL_SLICE("image-resizer"), true);
	n = tally(t, "image-resizer");
	assert_int_equal(n.spans, 0);
	assert_int_equal(n.throttled, 0);
	toll_traffic_free(t);
}

/* examples/prices.json is what `spantoll gen --print-prices` prints. */
static void the_example_prices_are_the_shops(void **state TOLL_UNUSED)
{
	char *text = NULL, kept[16384] = { 0 };
	size_t len = 0;
	FILE *out = open_memstream(&text, &len), *f = fopen("examples/prices.json", "re");

	assert_non_null(out);
	assert_non_null(f);
	toll_traffic_print_prices(out);
	fclose(out);
	assert_true(fread(kept, 1, sizeof(kept) - 1, f) > 0);
	fclose(f);
	assert_string_equal(kept, text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_span_arrives_and_has_its_parent),
		cmocka_unit_test(the_same_seed_gives_the_same_bytes),
		cmocka_unit_test(a_request_holds_whole_runs),
		cmocka_unit_test(as_many_services_as_asked_for),
		cmocka_unit_test(a_storm_multiplies_the_failing_calls),
		cmocka_unit_test(a_refused_service_gets_no_calls),
		cmocka_unit_test(a_queue_keeps_messages_for_a_refused_worker),
		cmocka_unit_test(the_example_prices_are_the_shops),
	};

	return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
