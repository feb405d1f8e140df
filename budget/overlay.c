/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

#define MEMORY_MAX ((size_t)16 * 1024 * 1024)

/* ---- one text ---- */

static int fail_findings(const struct toll_findings *f, struct toll_slice name,
                         struct toll_error *reterr)
{
	const struct toll_finding *first = NULL;

	for (size_t i = 0; i < f->count && !first; i++)
		if (f->at[i].severity == TOLL_FINDING_ERROR)
			first = &f->at[i];
	if (!first)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	return toll_fail(reterr, TOLL_ECONFIG, "%.*s: %u:%u: %s%s%s", TOLL_FMT(name), first->line,
	                 first->column, first->path, *first->path ? ": " : "", first->text);
}

/* Faults become findings. False: out of memory, and no finding says so. */
static bool parse(const struct toll_budget_text *text, struct toll_parser *p,
                  struct toll_budget_config *ret)
{
	struct toll_yaml_input in = {
		.text = text->text, .file = p->file, .arena = p->arena, .findings = p->findings
	};
	struct toll_yaml_entry entry = { .key = text->name, .file = p->file };
	int err = toll_yaml_parse(&in, &entry.value);

	memset(ret, 0, sizeof(*ret));
	if (err)
		return p->findings->errors > 0;
	if (toll_yaml_is_null(entry.value) || entry.value->kind != TOLL_YAML_MAP)
		toll_findings_add(p->findings, TOLL_FINDING_ERROR,
		                  (struct toll_place){ p->file, 1, 1 }, "",
		                  "a budget is a mapping: {\"match\": ..., \"limit\": ...}");
	else
		toll_fields_parse(p, toll_budget_fields, &entry, NULL, ret);
	return p->err == 0 || p->findings->errors > 0;
}

static int read_text(const struct toll_budget_text *text, struct toll_arena *arena,
                     struct toll_budget_config *ret, struct toll_error *reterr)
{
	struct toll_findings findings = { 0 };
	struct toll_parser p = { .arena = arena, .findings = &findings, .file = "budget" };
	int err = 0;

	if (!parse(text, &p, ret) || findings.errors)
		err = fail_findings(&findings, text->name, reterr);
	toll_findings_release(&findings);
	if (!err && ret->name.len && !toll_slice_eq(ret->name, text->name))
		return toll_fail(reterr, TOLL_ECONFIG, "%.*s: calls itself \"%.*s\"",
		                 TOLL_FMT(text->name), TOLL_FMT(ret->name));
	ret->name = text->name;
	return err;
}

/* ---- all of them ---- */

static size_t place_of(const struct toll_budget_config *budgets, size_t count,
                       struct toll_slice name)
{
	for (size_t i = 0; i < count; i++)
		if (toll_slice_eq(budgets[i].name, name))
			return i;
	return count;
}

/* Those of base, or what stands for none, with room for `more`. */
static struct toll_budget_config *copy_base(const struct toll_budget_settings *base, size_t more,
                                            struct toll_arena *arena, size_t *ret_count)
{
	const struct toll_budget_config *budgets = base->budgets.at;
	size_t count = base->budgets.count;
	struct toll_budget_config *copy =
		toll_arena_new(arena, struct toll_budget_config, count + more + 1);

	if (!copy)
		return NULL;
	if (count == 0)
		copy[count++] = toll_default_budget;
	else
		memcpy(copy, budgets, count * sizeof(*copy));
	*ret_count = count;
	return copy;
}

/* Places in what is said of the whole list mean nothing to who set one of them. */
static int build(struct toll_rules *r, const struct toll_budget_settings *set,
                 struct toll_error *reterr)
{
	const struct toll_budget_config *budgets = set->budgets.at;
	char at[TOLL_SETTING_MAX], *key, *end;
	struct toll_error why = { 0 };
	int err = toll_rules_build(r, set, at, &why);
	size_t i;

	if (!err)
		return 0;
	if (strncmp(at, "budgets::", 9) != 0)
		return toll_fail(reterr, err, "%s", why.text);
	i = strtoul(at + 9, &end, 10);
	key = strncmp(end, "::", 2) == 0 ? end + 2 : end;
	if (i >= set->budgets.count)
		return toll_fail(reterr, err, "%s", why.text);
	return toll_fail(reterr, err, "%.*s: %s%s%s", TOLL_FMT(budgets[i].name), key,
	                 *key ? ": " : "", why.text);
}

static int overlay(struct toll_rules *r, const struct toll_budget_settings *base,
                   const struct toll_budget_text *texts, size_t count, struct toll_arena *arena,
                   struct toll_error *reterr)
{
	struct toll_budget_settings set = *base;
	size_t n = 0;
	struct toll_budget_config *budgets = copy_base(base, count, arena, &n);

	if (!budgets)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		size_t place = place_of(budgets, n, texts[i].name);
		int err = read_text(&texts[i], arena, &budgets[place], reterr);

		if (err)
			return err;
		n += place == n;
	}
	set.budgets = (struct toll_group_list){ budgets, n };
	return build(r, &set, reterr);
}

int toll_rules_overlay(struct toll_rules *r, const struct toll_budget_settings *base,
                       const struct toll_budget_text *texts, size_t count,
                       struct toll_error *reterr)
{
	struct toll_arena arena;
	int err;

	toll_arena_init(&arena, MEMORY_MAX);
	err = overlay(r, base, texts, count, &arena, reterr);
	toll_arena_release(&arena); /* rules own what they say */
	return err;
}

int toll_budget_text_check(const struct toll_budget_settings *base,
                           const struct toll_budget_text *text, struct toll_error *reterr)
{
	struct toll_rules *r = malloc(sizeof(*r));
	int err = r ? toll_rules_overlay(r, base, text, 1, reterr)
	            : toll_fail(reterr, TOLL_ENOMEM, "out of memory");

	if (!err)
		toll_rules_release(r);
	free(r);
	return err;
}
