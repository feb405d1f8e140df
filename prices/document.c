/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/document.h"

#include <stdlib.h>
#include <strings.h>

#include "prices/json_tree.h"
#include "prices/rows.h"

#define FORMAT        "spantoll.prices/v1"
#define TREE_LIMIT    ((size_t)512 * 1024 * 1024)
#define SCRATCH_LIMIT ((size_t)1024 * 1024)

/* ---- format v1 ---- */

static void read_format(struct toll_reading *r, const struct toll_spot *at, void *into TOLL_UNUSED)
{
	if (at->node->kind != TOLL_YAML_SCALAR || !toll_slice_is(at->node->text, FORMAT))
		toll_reading_bad_value(r, at, "this program reads " FORMAT);
}

static void read_version(struct toll_reading *r, const struct toll_spot *at, void *into TOLL_UNUSED)
{
	struct toll_slice label;

	toll_read_text(r, at, TOLL_PRICES_ID, &label);
}

static void read_currency(struct toll_reading *r, const struct toll_spot *at,
                          void *into TOLL_UNUSED)
{
	if (at->node->kind != TOLL_YAML_SCALAR || !toll_slice_is(at->node->text, "USD"))
		toll_reading_bad_value(r, at, "only prices in USD can be read; convert them");
}

static void read_defaults(struct toll_reading *r, const struct toll_spot *at)
{
	static const struct toll_member members[] = {
		{ "source", .read = toll_read_source },
		{ "checked_at", .read = toll_read_checked_at },
		{ 0 },
	};
	struct toll_price_rule row = { 0 };

	toll_read_members(r, at, members, &row);
	r->source = row.source;
	r->checked_at = row.checked_at;
}

struct sections {
	struct toll_spot defaults, rules, units, discounts;
};

#define KEEP(member)                                                       \
	{                                                                  \
		.name = #member, .keep = offsetof(struct sections, member) \
	}

static void read_v1(struct toll_reading *r, const struct toll_spot *at)
{
	static const struct toll_member members[] = {
		{ "format", .read = read_format, .required = true },
		{ "version", .read = read_version },
		{ "currency", .read = read_currency },
		KEEP(defaults),
		KEEP(rules),
		KEEP(units),
		KEEP(discounts),
		{ 0 },
	};
	struct sections s = { 0 };

	toll_read_members(r, at, members, &s);
	if (s.defaults.node)
		read_defaults(r, &s.defaults);
	if (s.rules.node)
		toll_read_rules(r, &s.rules, NULL);
	if (s.units.node)
		toll_read_units(r, &s.units, NULL);
	/* Last: they are for the rows above, too. */
	if (s.discounts.node && !r->err)
		toll_read_discounts(r, &s.discounts, NULL);
}

/* ---- which format ---- */

static bool looks_like_v1(const struct toll_yaml_node *root)
{
	const struct toll_yaml_node *rules = toll_yaml_value(root, "rules");
	const struct toll_yaml_node *units = toll_yaml_value(root, "units");

	return (rules && rules->kind == TOLL_YAML_LIST) || (units && units->kind == TOLL_YAML_MAP);
}

static void read_tree(struct toll_reading *r, const struct toll_yaml_node *root)
{
	const struct toll_spot at = { .node = root, .line = root->line, .column = root->column };
	uint32_t before = r->order;
	size_t errors = r->findings->errors;
	bool v1 = toll_yaml_find(root, "format");

	if (!toll_read_is_map(r, &at))
		return;
	if (v1)
		read_v1(r, &at);
	else if (looks_like_v1(root))
		toll_reading_error(r, &at, "format is missing: begin with format: " FORMAT);
	else
		toll_read_seed(r, &at);
	if (!v1 && r->order == before && r->findings->errors == errors && !r->err)
		toll_reading_error(
			r, &at, "has no price in it; a price document begins with format: " FORMAT);
}

/* ---- text ---- */

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len >= n && strcasecmp(name + len - n, suffix) == 0;
}

static int parse(struct toll_slice text, const char *name, struct toll_arena *arena,
                 struct toll_findings *findings, struct toll_yaml_node **ret)
{
	const struct toll_yaml_input in = { .text = text,
		                            .file = name,
		                            .arena = arena,
		                            .findings = findings,
		                            .max_bytes = TOLL_PRICES_MAX_BYTES,
		                            .max_nodes = TOLL_PRICES_MAX_VALUES };
	bool yaml = ends_in(name, ".yaml") || ends_in(name, ".yml");
	int err;

	if (!yaml && toll_json_tree_is_json(text))
		err = toll_json_tree(&in, ret);
	else
		err = toll_yaml_parse(&in, ret);
	return err == TOLL_ECONFIG ? TOLL_EINVALID : err;
}

/* What no place in the document is to blame for. */
static int refuse(struct toll_findings *findings, const char *name, int err)
{
	const struct toll_place at = { .file = name };

	toll_findings_add(findings, TOLL_FINDING_ERROR, at, "", "%s",
	                  err == TOLL_EFULL ? "more rows than a price book holds"
	                                    : toll_err_text(err));
	return err;
}

static int read_rows(const struct toll_yaml_node *root, struct toll_reading *r)
{
	toll_arena_init(&r->scratch, SCRATCH_LIMIT);
	read_tree(r, root);
	free(r->rules.at);
	free(r->units.at);
	free(r->discounts.at);
	toll_arena_release(&r->scratch);
	return r->err;
}

int toll_prices_read(struct toll_slice text, const char *name, unsigned layer,
                     struct toll_pricebook_builder *builder, struct toll_findings *findings)
{
	struct toll_reading r = {
		.file = name, .layer = layer, .builder = builder, .findings = findings
	};
	size_t errors = findings->errors;
	struct toll_yaml_node *root = NULL;
	struct toll_arena arena;
	int err;

	toll_findings_know_file(findings, name);
	if (text.len > TOLL_PRICES_MAX_BYTES)
		return refuse(findings, name, TOLL_ETOOBIG);
	toll_arena_init(&arena, TREE_LIMIT);
	err = parse(text, name, &arena, findings, &root);
	if (!err)
		err = read_rows(root, &r);
	toll_arena_release(&arena);
	if (err && findings->errors == errors)
		return refuse(findings, name, err);
	return !err && findings->errors != errors ? TOLL_EINVALID : err;
}

static const struct toll_finding *first_error(struct toll_findings *findings)
{
	toll_findings_sort(findings);
	for (size_t i = 0; i < findings->count; i++)
		if (findings->at[i].severity == TOLL_FINDING_ERROR)
			return &findings->at[i];
	return NULL;
}

int toll_prices_fail(struct toll_findings *findings, int err, struct toll_error *reterr)
{
	const struct toll_finding *f = first_error(findings);
	char place[32] = "", more[48] = "";

	if (!f)
		return toll_fail(reterr, err, "%s", toll_err_text(err));
	if (f->line)
		snprintf(place, sizeof(place), ":%u:%u", f->line, f->column);
	if (findings->errors > 1)
		snprintf(more, sizeof(more), " (and %zu more)", findings->errors - 1);
	return toll_fail(reterr, err, "%s%s: %s%s%.120s%s", f->file, place, f->path,
	                 *f->path ? ": " : "", f->text, more);
}

static void note_warnings(struct toll_findings *findings, struct toll_prices_notes *notes)
{
	toll_findings_sort(findings);
	for (size_t i = 0; i < findings->count; i++) {
		const struct toll_finding *f = &findings->at[i];

		if (f->severity == TOLL_FINDING_WARNING && notes->warnings++ == 0)
			snprintf(notes->first, sizeof(notes->first), "%s:%u: %s: %s", f->file,
			         f->line, f->path, f->text);
	}
}

int toll_prices_read_briefly(struct toll_slice text, const char *name, unsigned layer,
                             struct toll_pricebook_builder *builder,
                             struct toll_prices_notes *notes, struct toll_error *reterr)
{
	struct toll_findings findings = { 0 };
	int err = toll_prices_read(text, name, layer, builder, &findings);

	if (err)
		toll_prices_fail(&findings, err, reterr);
	else
		note_warnings(&findings, notes);
	toll_findings_release(&findings);
	return err;
}
