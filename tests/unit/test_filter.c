/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/support/component.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_filter;

/* Three spans, "a", "b" and "health", the last with an attribute. */
static struct toll_batch *three_spans(void)
{
	struct msg *spans[3] = { span_new("a", 1, 1), span_new("b", 2, 1),
		                 span_new("health", 3, 1) };

	msg_attr_str(spans[2], 9, "probe", "yes");
	return batch_of_request(request_of("shop", spans, 3));
}

/* Which spans are left, as the first letters of their names. */
static void expect(const char *yaml, int want, const char *left)
{
	struct component_rig rig = { 0 };
	struct toll_batch *b = three_spans();
	struct toll_processor *p;
	char names[4] = "";
	size_t count = 0;

	component_load(&rig, &toll_processor_filter, yaml);
	if (!rig.settings)
		fail_msg("%s", rig.findings);
	assert_int_equal(component_create(&rig, &toll_processor_filter), 0);
	assert_int_equal(rig.component->ops->start(rig.component, NULL), 0);
	p = toll_container_of(rig.component, struct toll_processor, super);
	assert_int_equal(p->process(p, b), want);
	for (uint32_t i = 0; i < b->span_count; i++)
		if (!b->spans[i].dropped)
			names[count++] = *b->spans[i].name.ptr;
	if (strcmp(names, left) != 0)
		fail_msg("%s leaves \"%s\", not \"%s\"", yaml, names, left);
	assert_int_equal(b->kept_count, strlen(left));
	component_release(&rig);
	toll_batch_unref(b);
}

static void a_condition_that_holds_drops(void **state TOLL_UNUSED)
{
	expect("{traces: {span: ['name == \"a\"', 'IsMatch(name, \"^h\")']}}", 0, "b");
	expect("{traces: {resource: ['attributes[\"service.name\"] == \"shop\"']}}", 0, "");
	expect("{traces: {resource: ['attributes[\"service.name\"] == \"x\"']}}", 0, "abh");
	expect("{trace_conditions: ['span.attributes[\"probe\"] != nil']}", 0, "ab");
}

static void the_older_form_keeps_what_is_included(void **state TOLL_UNUSED)
{
	expect("{spans: {include: {match_type: strict, span_names: [a, b]}}}", 0, "ab");
	expect("{spans: {exclude: {match_type: regexp, span_names: [^h]}}}", 0, "ab");
}

static void errors_refuse_or_are_passed_over(void **state TOLL_UNUSED)
{
	const char *ask = "'HasPrefix(attributes[\"probe\"], \"y\")'";
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "{traces: {span: [%s]}}", ask);
	expect(yaml, TOLL_EINVALID, "abh");
	snprintf(yaml, sizeof(yaml), "{error_mode: ignore, traces: {span: [%s]}}", ask);
	expect(yaml, 0, "ab");
	snprintf(yaml, sizeof(yaml), "{error_mode: silent, traces: {span: [%s, 'name == \"a\"']}}",
	         ask);
	expect(yaml, 0, "b");
}

static void wrong_settings_are_explained(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml, *sentence;
	} cases[] = {
		{ "{}", "has no condition" },
		{ "{traces: {span: ['nam == 1']}}",
		  "traces::span::0: at character 1: unknown path \"nam\", did you mean \"name\"?" },
		{ "{trace_conditions: ['name == \"a\"']}", "did you mean \"span.name\"" },
		{ "{traces: {spanevent: ['name == \"a\"']}}", "is not supported" },
		{ "{error_mode: drop, traces: {span: ['true']}}", "must be one of propagate" },
		{ "{spans: {include: {match_type: strict}}}",
		  "spans::include: needs at least one" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig rig = { 0 };

		component_load(&rig, &toll_processor_filter, cases[i].yaml);
		if (rig.settings || !strstr(rig.findings, cases[i].sentence))
			fail_msg("%s: %s", cases[i].yaml, rig.findings);
		component_release(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_that_holds_drops),
		cmocka_unit_test(the_older_form_keeps_what_is_included),
		cmocka_unit_test(errors_refuse_or_are_passed_over),
		cmocka_unit_test(wrong_settings_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
