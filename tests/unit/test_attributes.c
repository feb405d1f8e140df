/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/attr.h"
#include "proto/cost_record.h"
#include "tests/support/component.h"
#include "tests/support/otlp.h"
#include "tests/support/processor.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_attributes, toll_processor_resource;

/* One span with one attribute of each sort, run through a processor with these settings. */
static struct toll_batch *run_on(const struct toll_factory *f, const char *yaml, int want)
{
	struct component_rig rig = { 0 };
	struct msg *span = span_new("GET /", 1, 1000), *req;
	struct toll_processor *p;
	struct toll_batch *b;

	msg_attr_str(span, 9, "user", "ann@example.com");
	msg_attr_int(span, 9, "code", 404);
	msg_attr_str(span, 9, "url", "/v1/users/42?x=1");
	req = request_of("shop", &span, 1);
	b = batch_of_request(req);
	b->peer = "ipv4:10.1.2.3:4711";
	component_load(&rig, f, yaml);
	if (!rig.settings)
		fail_msg("%s", rig.findings);
	assert_int_equal(component_create(&rig, f), 0);
	p = toll_container_of(rig.component, struct toll_processor, super);
	assert_int_equal(p->process(p, b), want);
	component_release(&rig);
	return b;
}

static struct toll_batch *run(const char *yaml)
{
	return run_on(&toll_processor_attributes, yaml, 0);
}

static struct toll_value value_of(const struct toll_batch *b, const char *key)
{
	const struct toll_attr *a = toll_node_find_name(&b->spans[0].node, toll_slice_str(key));

	return a ? toll_value_decode(toll_attr_value(a))
	         : (struct toll_value){ .type = TOLL_VALUE_NONE };
}

static bool has(const struct toll_batch *b, const char *key, const char *text)
{
	struct toll_value v = value_of(b, key);

	return v.type == TOLL_VALUE_STRING && toll_slice_is(v.bytes, text);
}

static void insert_update_upsert_differ_in_what_is_there(void **state TOLL_UNUSED)
{
	struct toll_batch *b = run(
		"{actions: [{key: user, value: bob, action: insert},"
		" {key: new, value: 1, action: insert}, {key: none, value: 1, action: update},"
		" {key: code, value: 1.5, action: update},"
		" {key: up, value: true, action: UPSERT}, {key: q, value: \"7\", action: upsert},"
		" {key: url, value: x, action: upsert}]}");

	assert_true(has(b, "user", "ann@example.com"));
	assert_int_equal(value_of(b, "new").integer, 1);
	assert_int_equal(value_of(b, "none").type, TOLL_VALUE_NONE);
	assert_true(value_of(b, "code").number == 1.5);
	assert_int_equal(value_of(b, "up").type, TOLL_VALUE_BOOL);
	assert_true(has(b, "q", "7"));
	assert_true(has(b, "url", "x"));
	toll_batch_unref(b);
}

static void values_come_from_elsewhere(void **state TOLL_UNUSED)
{
	struct toll_batch *b =
		run("{actions: [{key: copy, from_attribute: code, action: insert},"
	            " {key: client, from_context: client.address, action: insert},"
	            " {key: a, from_attribute: nowhere, action: upsert},"
	            " {key: b, from_attribute: nowhere, default_value: 3, action: upsert}]}");

	assert_int_equal(value_of(b, "copy").integer, 404);
	assert_true(has(b, "client", "10.1.2.3"));
	assert_int_equal(value_of(b, "a").type, TOLL_VALUE_NONE);
	assert_int_equal(value_of(b, "b").integer, 3);
	toll_batch_unref(b);
}

static void secrets_are_deleted_and_hashed(void **state TOLL_UNUSED)
{
	/* echo -n ann@example.com | sha256sum; the number as eight little-endian bytes. */
	struct toll_batch *b =
		run("{actions: [{key: user, action: hash}, {pattern: ^co, action: hash},"
	            " {pattern: ^ur, action: delete}]}");

	assert_true(
		has(b, "user", "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"));
	assert_true(
		has(b, "code", "6dcd500bcb8fc18e5ee01ae209fe19db2675ec3e422cd3783a072cd771d1867b"));
	assert_int_equal(value_of(b, "url").type, TOLL_VALUE_NONE);
	toll_batch_unref(b);
}

static void extract_takes_named_groups(void **state TOLL_UNUSED)
{
	struct toll_batch *b = run("{actions: [{key: url, action: extract, pattern: "
	                           "'^/(?P<version>v\\d+)/users/(?P<user>\\d+)(?P<rest>z)?'}]}");

	assert_true(has(b, "version", "v1"));
	assert_true(has(b, "user", "42"));
	assert_true(has(b, "rest", ""));
	assert_true(has(b, "url", "/v1/users/42?x=1"));
	toll_batch_unref(b);
}

static void convert_keeps_what_cannot_be(void **state TOLL_UNUSED)
{
	struct toll_batch *b =
		run("{actions: [{key: code, action: convert, converted_type: string},"
	            " {key: user, action: convert, converted_type: int},"
	            " {key: n, value: \"-12\", action: insert},"
	            " {key: n, action: convert, converted_type: int},"
	            " {key: d, value: \"1.5e3\", action: insert},"
	            " {key: d, action: convert, converted_type: double}]}");

	assert_true(has(b, "code", "404"));
	assert_true(has(b, "user", "ann@example.com"));
	assert_int_equal(value_of(b, "n").integer, -12);
	assert_true(value_of(b, "d").number == 1500);
	toll_batch_unref(b);
}

static bool touched(const char *match)
{
	char yaml[512];
	struct toll_batch *b;
	bool yes;

	snprintf(yaml, sizeof(yaml), "{%s, actions: [{key: hit, value: 1, action: insert}]}",
	         match);
	b = run(yaml);
	yes = value_of(b, "hit").type == TOLL_VALUE_INT;
	toll_batch_unref(b);
	return yes;
}

static void include_and_exclude_choose_spans(void **state TOLL_UNUSED)
{
	static const struct {
		const char *match;
		bool touched;
	} cases[] = {
		{ "include: {match_type: strict, services: [cart, shop]}", true },
		{ "include: {match_type: strict, services: [sho]}", false },
		{ "include: {match_type: regexp, services: [sho]}", true },
		{ "include: {match_type: regexp, span_names: ['^GET']}", true },
		{ "exclude: {match_type: regexp, span_names: ['^GET']}", false },
		{ "include: {match_type: strict, span_kinds: [SPAN_KIND_SERVER]}", true },
		{ "include: {match_type: strict, span_kinds: [SPAN_KIND_CLIENT]}", false },
		{ "include: {match_type: strict, attributes: [{key: code, value: 404}]}", true },
		{ "include: {match_type: strict, attributes: [{key: code, value: \"404\"}]}",
		  false },
		{ "include: {match_type: regexp, attributes: [{key: code, value: '^4\\d\\d$'}]}",
		  true },
		{ "include: {match_type: strict, attributes: [{key: code}, {key: user}]}", true },
		{ "include: {match_type: strict, attributes: [{key: code}, {key: x}]}", false },
		{ "include: {match_type: strict, resources: [{key: service.name, value: shop}]}",
		  true },
		{ "include: {match_type: strict, libraries: [{name: x}, {name: test}]}", true },
		{ "include: {match_type: strict, libraries: [{name: test, version: 1.0}]}", true },
		{ "include: {match_type: strict, libraries: [{name: test, version: \"\"}]}",
		  false },
		{ "include: {match_type: strict, services: [shop]},"
		  "exclude: {match_type: strict, attributes: [{key: code, value: 404}]}",
		  false },
		{ "include: {match_type: strict, services: [shop], span_names: [other]}", false },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++)
		if (touched(cases[i].match) != cases[i].touched)
			fail_msg("%s", cases[i].match);
}

/* What cost is attributed to follows, for prices and for the record. */
static void a_renamed_service_is_renamed_for_everybody(void **state TOLL_UNUSED)
{
	struct toll_batch *b =
		run_on(&toll_processor_resource,
	               "{attributes: [{key: service.name, value: web, action: update},"
	               " {key: tenant.id, value: acme, action: insert}]}",
	               0);

	assert_true(toll_slice_is(b->resources[0].service, "web"));
	toll_batch_seal(b);
	assert_true(
		toll_slice_is(toll_span_dimension(b, &b->spans[0], TOLL_DIMENSION_TENANT), "acme"));
	toll_batch_unref(b);
	b = run_on(&toll_processor_resource, "{attributes: [{key: service.name, action: delete}]}",
	           0);
	assert_true(toll_slice_is(b->resources[0].service, "unknown_service"));
	toll_batch_unref(b);
}

/* Passing on what should have been removed would be worse. */
static void without_memory_the_batch_is_refused(void **state TOLL_UNUSED)
{
	struct component_rig rig = { 0 };
	struct msg *span = span_new("x", 1, 1);
	struct toll_processor *p;
	struct toll_batch *b;

	msg_attr_str(span, 9, "user", "ann");
	b = batch_of_request(request_of("shop", &span, 1));
	component_load(&rig, &toll_processor_attributes,
	               "{actions: [{key: user, action: delete}]}");
	assert_int_equal(component_create(&rig, &toll_processor_attributes), 0);
	p = toll_container_of(rig.component, struct toll_processor, super);
	while (toll_arena_alloc(&b->arena, 256, 1))
		;
	b->arena.limit = 0;
	b->arena.next = b->arena.end;
	assert_int_equal(p->process(p, b), TOLL_ETOOBIG);
	component_release(&rig);
	toll_batch_unref(b);
}

static void wrong_settings_are_explained(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml, *sentence;
	} cases[] = {
		{ "{}", "needs at least one action" },
		{ "{actions: [{key: a, action: upsrt}]}", "did you mean \"upsert\"" },
		{ "{actions: [{key: a, action: insert}]}", "needs one of value" },
		{ "{actions: [{key: a, action: insert, value: 1, from_attribute: b}]}",
		  "choose one" },
		{ "{actions: [{action: insert, value: 1}]}", "insert needs a key" },
		{ "{actions: [{action: hash}]}", "needs a key or a pattern" },
		{ "{actions: [{key: a, action: delete, value: 1}]}",
		  "actions::0::value: is not used by the action delete" },
		{ "{actions: [{key: a, action: insert, value: 1, pattern: b}]}",
		  "actions::0::pattern: is not used by the action insert" },
		{ "{actions: [{key: a, action: extract}]}", "extract needs a pattern" },
		{ "{actions: [{key: a, action: extract, pattern: a}]}", "no named group" },
		{ "{actions: [{key: a, action: extract, pattern: '(?P<x>a)(b)'}]}",
		  "a group without a name" },
		{ "{actions: [{key: a, action: extract, pattern: '(?P<x>a'}]}",
		  "is no regular expression: missing closing parenthesis (at character 8)" },
		{ "{actions: [{key: a, action: convert, converted_type: bool}]}",
		  "int, double or string" },
		{ "{actions: [{key: a, action: insert, from_context: metadata.x}]}",
		  "only client.address" },
		{ "{include: {match_type: strict}, actions: [{key: a, action: delete}]}",
		  "needs at least one of services" },
		{ "{include: {services: [a]}, actions: [{key: a, action: delete}]}",
		  "include::match_type: is required" },
		{ "{include: {match_type: strict, span_kinds: [SERVER]}, actions: [{key: a, "
		  "action: "
		  "delete}]}",
		  "is no kind of span" },
		{ "{include: {match_type: regexp, attributes: [{key: a, value: 1}]}, actions: "
		  "[{key: a, action: delete}]}",
		  "put it in quotes" },
		{ "{exclude: {match_type: regexp, services: ['a(']}, actions: [{key: a, action: "
		  "delete}]}",
		  "exclude::services::0: is no regular expression" },
		{ "{include: {match_type: strict, log_bodies: [a]}, actions: [{key: a, action: "
		  "delete}]}",
		  "is for logs" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig rig = { 0 };

		component_load(&rig, &toll_processor_attributes, cases[i].yaml);
		if (rig.settings || !strstr(rig.findings, cases[i].sentence))
			fail_msg("%s: %s", cases[i].yaml, rig.findings);
		component_release(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(insert_update_upsert_differ_in_what_is_there),
		cmocka_unit_test(values_come_from_elsewhere),
		cmocka_unit_test(secrets_are_deleted_and_hashed),
		cmocka_unit_test(extract_takes_named_groups),
		cmocka_unit_test(convert_keeps_what_cannot_be),
		cmocka_unit_test(include_and_exclude_choose_spans),
		cmocka_unit_test(a_renamed_service_is_renamed_for_everybody),
		cmocka_unit_test(without_memory_the_batch_is_refused),
		cmocka_unit_test(wrong_settings_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
