/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "config/config.h"
#include "proto/attr.h"
#include "tests/support/otlp.h"
#include "tests/support/processor.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_hash_path;

/* The processor as YAML makes it, over one span with these two attributes. */
#define AROUND                                                                                 \
	"receivers: {in: {}}\n"                                                                \
	"exporters: {out: {}}\n"                                                               \
	"service: {pipelines: {traces: {receivers: [in], processors: [hash_path], exporters: " \
	"[out]}}}\n"

static struct toll_batch *fold(const char *yaml, const char *key, const char *value,
                               const char *name)
{
	static const struct toll_field none[] = { TOLL_FIELD_END };
	const struct toll_config_type types[] = {
		{ .section = TOLL_SECTION_RECEIVERS, .type = "in", .fields = none },
		{ .section = TOLL_SECTION_EXPORTERS, .type = "out", .fields = none },
		{ .section = TOLL_SECTION_PROCESSORS,
		  .type = "hash_path",
		  .fields = toll_processor_hash_path.fields,
		  .config_size = toll_processor_hash_path.config_size,
		  .validate = toll_processor_hash_path.validate },
		{ 0 },
	};
	struct toll_findings findings = { 0 };
	char text[512];
	struct msg *span = span_new(name, 1, 1);
	struct toll_config *config = NULL;
	struct toll_processor *p;
	struct toll_batch *b;

	snprintf(text, sizeof(text), AROUND "%s", yaml);
	if (toll_config_load_text(toll_slice_str(text), "test", types, &config, &findings) < 0)
		toll_findings_print(&findings, stderr);
	assert_non_null(config);
	p = processor_new(&toll_processor_hash_path,
	                  config->components[TOLL_SECTION_PROCESSORS][0].settings);
	msg_attr_str(span, 9, key, value);
	b = batch_of_request(request_of("svc", &span, 1));
	assert_int_equal(p->process(p, b), 0);
	processor_free(p);
	toll_config_free(config);
	toll_findings_release(&findings);
	return b;
}

static void expect(const char *yaml, const char *key, const char *value, const char *attribute,
                   const char *operation)
{
	struct toll_batch *b = fold(yaml, key, value, "name");

	assert_true(toll_slice_is(
		toll_attr_text(toll_node_find_name(&b->spans[0].node, toll_slice_str(key))),
		attribute));
	assert_true(toll_slice_is(b->spans[0].operation, operation));
	toll_batch_unref(b);
}

#define PATH "/api/v2/users/123/orders/456"

static void paths_are_folded_and_rewritten(void **state TOLL_UNUSED)
{
	expect("processors: {hash_path: {}}", "url.path", PATH, "/api/v2/users/*/orders/*",
	       "/api/v2/users/*/orders/*");
}

static void other_attributes_stay(void **state TOLL_UNUSED)
{
	expect("processors: {hash_path: {}}", "my.path", PATH, PATH, "name");
	expect("processors: {hash_path: {attributes: [my.path]}}", "my.path", PATH,
	       "/api/v2/users/*/orders/*", "name");
}

static void rewriting_can_be_off(void **state TOLL_UNUSED)
{
	expect("processors: {hash_path: {rewrite: false}}", "url.path", PATH, PATH,
	       "/api/v2/users/*/orders/*");
}

static void users_add_rules(void **state TOLL_UNUSED)
{
	expect("processors: {hash_path: {placeholder: ':id', replace: ['^sku-'], keep: ['^456$']}}",
	       "url.path", "/x/sku-red/9/456", "/x/:id/:id/456", "/x/:id/:id/456");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_folded_and_rewritten),
		cmocka_unit_test(other_attributes_stay),
		cmocka_unit_test(rewriting_can_be_off),
		cmocka_unit_test(users_add_rules),
	};

	return cmocka_run_group_tests_name("hash_path", tests, NULL, NULL);
}
