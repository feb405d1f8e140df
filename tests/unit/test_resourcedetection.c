/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processors/resourcedetection/detect.h"
#include "proto/attr.h"
#include "tests/support/component.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_resourcedetection;

/* The resource's attribute after detection with these settings; "" when it is not there. */
static const char *detect(const char *yaml, const char *key)
{
	static char text[1024];
	struct component_rig rig = { 0 };
	struct msg *span = span_new("x", 1, 1);
	struct toll_batch *b = batch_of_request(request_of("shop", &span, 1));
	struct toll_processor *p;

	component_load(&rig, &toll_processor_resourcedetection, yaml);
	if (!rig.settings)
		fail_msg("%s", rig.findings);
	assert_int_equal(component_create(&rig, &toll_processor_resourcedetection), 0);
	assert_int_equal(rig.component->ops->start(rig.component, NULL), 0);
	p = toll_container_of(rig.component, struct toll_processor, super);
	assert_int_equal(p->process(p, b), 0);
	snprintf(text, sizeof(text), "%.*s",
	         TOLL_FMT(toll_attr_text(
			 toll_node_find_name(&b->resources[0].node, toll_slice_str(key)))));
	if (strcmp(key, "service.name") == 0)
		assert_true(toll_slice_is(b->resources[0].service, text));
	component_release(&rig);
	toll_batch_unref(b);
	return text;
}

static void env_attributes_are_added(void **state TOLL_UNUSED)
{
	setenv("OTEL_RESOURCE_ATTRIBUTES",
	       "team=a%20b, k8s.pod.name = p-1 ,service.name=other,team=c", 1);
	assert_string_equal(detect("{}", "team"), "a b");
	assert_string_equal(detect("{}", "k8s.pod.name"), "p-1");
	assert_string_equal(detect("{}", "service.name"), "other");
	assert_string_equal(detect("{override: false}", "service.name"), "shop");
	assert_string_equal(detect("{override: false}", "team"), "a b");
	unsetenv("OTEL_RESOURCE_ATTRIBUTES");
	assert_string_equal(detect("{}", "team"), "");
}

static void system_attributes_can_be_chosen(void **state TOLL_UNUSED)
{
	const char *os = "{detectors: [system], system: {hostname_sources: [os]}}";
	char name[256] = "";

	assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
	assert_string_equal(detect(os, "host.name"), name);
	assert_string_equal(detect(os, "os.type"), "linux");
	assert_string_equal(detect(os, "host.arch"), "");
	assert_string_not_equal(detect("{detectors: [system], system: {hostname_sources: [os], "
	                               "resource_attributes: "
	                               "{host.arch: {enabled: true}}}}",
	                               "host.arch"),
	                        "");
	assert_non_null(strstr(detect("{detectors: [system], system: {hostname_sources: [os], "
	                              "resource_attributes: "
	                              "{os.description: {enabled: true}}}}",
	                              "os.description"),
	                       "Linux"));
	assert_string_equal(detect("{detectors: [system], system: {hostname_sources: [os], "
	                           "resource_attributes: "
	                           "{host.name: {enabled: false}}}}",
	                           "host.name"),
	                    "");
}

static void malformed_environments_end_the_start(void **state TOLL_UNUSED)
{
	static const char *const bad[] = { "team", "=x", "a=%", "a=%2", "a=%zz", "a=1,,b=2" };

	for (size_t i = 0; i < TOLL_COUNT(bad); i++) {
		struct toll_arena arena;
		struct detected_list l = { .arena = &arena };

		toll_arena_init(&arena, 1 << 16);
		assert_int_equal(detect_env(&l, bad[i]), TOLL_ECONFIG);
		toll_arena_release(&arena);
	}
}

static void wrong_settings_are_explained(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml, *sentence;
	} cases[] = {
		{ "{detectors: [env, ec2]}", "detectors::1: detector \"ec2\" is not here" },
		{ "{detectors: [sytem]}", "did you mean \"system\"?" },
		{ "{system: {hostname_sources: [lookup]}}", "must be dns or os" },
		{ "{system: {resource_attributes: {host.nam: {enabled: true}}}}",
		  "did you mean \"host.name\"" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig rig = { 0 };

		component_load(&rig, &toll_processor_resourcedetection, cases[i].yaml);
		if (rig.settings || !strstr(rig.findings, cases[i].sentence))
			fail_msg("%s: %s", cases[i].yaml, rig.findings);
		component_release(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(env_attributes_are_added),
		cmocka_unit_test(system_attributes_can_be_chosen),
		cmocka_unit_test(malformed_environments_end_the_start),
		cmocka_unit_test(wrong_settings_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
