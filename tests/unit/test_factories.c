/* SPDX-License-Identifier: Apache-2.0 */
/* Every component's field table keeps its promises: presets that parse, help for every setting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/spantoll/setup.h"
#include "config/parse.h"
#include "pipeline/factory.h"
#include "tests/unit/unit.h"

static void check_fields(const char *who, const struct toll_field *fields, size_t size);

static void check_field(const char *who, const struct toll_field *f, const struct toll_field *table,
                        size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "%s::%s", who, f->name);
	for (const struct toll_field *other = table; other < f; other++)
		if (strcmp(other->name, f->name) == 0)
			fail_msg("%s is in the table twice", path);
	if (f->later)
		return;
	if (f->alias_of) {
		for (const struct toll_field *of = table; of->name; of++)
			if (strcmp(of->name, f->alias_of) == 0)
				return;
		fail_msg("%s is the older name of \"%s\", which does not exist", path, f->alias_of);
	}
	if (!f->help || strlen(f->help) < 5 || f->help[strlen(f->help) - 1] != '.')
		fail_msg("%s has no help that is a sentence", path);
	if (size && f->offset >= size)
		fail_msg("%s lies behind the end of its struct", path);
	if (f->type == TOLL_FIELD_ENUM && (!f->choices || !f->choices[0]))
		fail_msg("%s has no choices", path);
	if (f->type == TOLL_FIELD_GROUP || f->type == TOLL_FIELD_GROUPS) {
		if (!f->group || (f->type == TOLL_FIELD_GROUPS && !f->group_size))
			fail_msg("%s has no table of its own", path);
		check_fields(path, f->group, f->type == TOLL_FIELD_GROUPS ? f->group_size : 0);
	}
}

static void check_fields(const char *who, const struct toll_field *fields, size_t size)
{
	for (const struct toll_field *f = fields; f->name; f++)
		check_field(who, f, fields, size);
}

static void tables_are_complete(void **state TOLL_UNUSED)
{
	for (const struct toll_config_type *t = toll_setup_types(); t->type; t++) {
		if (t->later)
			continue;
		assert_non_null(t->fields);
		check_fields(t->type, t->fields, t->config_size);
	}
}

static void presets_parse(void **state TOLL_UNUSED)
{
	for (const struct toll_config_type *t = toll_setup_types(); t->type; t++) {
		struct toll_findings findings = { 0 };
		struct toll_parser p = { .findings = &findings, .file = t->type };
		struct toll_arena arena;
		void *settings = calloc(1, t->config_size + 1);

		if (t->later) {
			free(settings);
			continue;
		}
		assert_non_null(settings);
		toll_arena_init(&arena, 1 << 24);
		p.arena = &arena;
		toll_fields_preset(&p, t->fields, settings);
		toll_findings_print(&findings, stderr);
		assert_int_equal(findings.count, 0);
		toll_findings_release(&findings);
		toll_arena_release(&arena);
		free(settings);
	}
}

static void names_are_unique_and_helped(void **state TOLL_UNUSED)
{
	for (const struct toll_config_type *t = toll_setup_types(); t->type; t++) {
		if (!t->help || t->help[strlen(t->help) - 1] != '.')
			fail_msg("%s has no help that is a sentence", t->type);
		for (const struct toll_config_type *u = toll_setup_types(); u < t; u++)
			if (u->section == t->section &&
			    (strcmp(u->type, t->type) == 0 ||
			     (t->alias && strcmp(u->type, t->alias) == 0) ||
			     (u->alias && strcmp(u->alias, t->type) == 0)))
				fail_msg("two components answer to %s", t->type);
	}
}

static void factories_can_create(void **state TOLL_UNUSED)
{
	size_t count = 0;

	for (const struct toll_factory *const *f = toll_factories; *f; f++, count++) {
		/* A processor without instances (batch) only shapes its exporters. */
		assert_true((*f)->create || (*f)->kind == TOLL_PROCESSOR);
		assert_true(!(*f)->exporter_settings || (*f)->kind == TOLL_EXPORTER);
	}
	for (const struct toll_config_type *t = toll_setup_types(); t->type; t++)
		count -= !t->later;
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_complete),
		cmocka_unit_test(presets_parse),
		cmocka_unit_test(names_are_unique_and_helped),
		cmocka_unit_test(factories_can_create),
	};

	return cmocka_run_group_tests_name("factories", tests, NULL, NULL);
}
