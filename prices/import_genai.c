/* SPDX-License-Identifier: Apache-2.0 */
/* import_genai.c - data.json of genai-prices: providers, their models, how each is matched, prices
 * with history and service tiers. Regular expressions are left out; tools/prices/genai.py, which
 * makes the catalogue, says most of them in globs.
 *
 * Source of the shape: github.com/pydantic/genai-prices, prices/new_data/v2/data.schema.json. */
#include "prices/import_genai.h"

#include "base/macro.h"
#include "prices/import_provider.h"
#include "prices/import_write.h"

enum { TEXTS_MAX = 64, ROWS_MAX = 32, TEXT_MAX = 256 };

/* From one day to the day of the next. */
struct row {
	struct toll_slice from, to;
	struct json_object *prices;
};

struct model {
	struct toll_slice provider, id;
	struct json_object *entry;
	bool alone; /* its name is enough: the list finds the provider by it */
	struct row rows[ROWS_MAX];
	size_t row_count;
};

/* What a rule matches a model's name with. */
struct target {
	struct toll_slice id;
	const char *op; /* NULL: the texts */
	const struct toll_slice *texts;
	size_t count;
};

/* ---- history ---- */

static struct toll_slice first_day(struct json_object *conditional)
{
	struct json_object *constraint = toll_import_member(conditional, "constraint");

	return toll_import_day(toll_import_member_text(constraint, "start_date"));
}

static bool is_hourly(struct json_object *conditional)
{
	return toll_import_member(toll_import_member(conditional, "constraint"), "start_time");
}

static void add_row(struct toll_import *im, struct model *m, struct json_object *conditional)
{
	struct row *last = m->row_count ? &m->rows[m->row_count - 1] : NULL;
	struct toll_slice day = first_day(conditional);

	if (is_hourly(conditional)) {
		toll_import_leave_out(im, m->id, "prices at certain hours of the day");
		return;
	}
	if (m->row_count == ROWS_MAX || (last && !day.len)) {
		toll_import_leave_out(im, m->id, "a price whose time is not clear");
		return;
	}
	if (last)
		last->to = day;
	m->rows[m->row_count++] =
		(struct row){ .from = day, .prices = toll_import_member(conditional, "prices") };
}

/* An object of prices, or a list of them, each with its first day. */
static void read_history(struct toll_import *im, struct model *m)
{
	struct json_object *prices = toll_import_member(m->entry, "prices");

	if (json_object_is_type(prices, json_type_object))
		m->rows[m->row_count++] = (struct row){ .prices = prices };
	for (size_t i = 0;
	     json_object_is_type(prices, json_type_array) && i < json_object_array_length(prices);
	     i++)
		add_row(im, m, json_object_array_get_idx(prices, i));
}

/* ---- rules ---- */

/* What names the service tier: only OpenAI's SDKs do. */
static const char *tier_key(const struct model *m, struct json_object *when)
{
	return toll_slice_is(m->provider, "openai") && toll_import_member(when, "service_tier")
	               ? "openai.response.service_tier"
	               : "cost.service_tier";
}

static struct toll_slice tier_name(struct json_object *when)
{
	static const char *const keys[] = { "service_tier", "processing", "speed" };
	struct toll_slice name = { NULL, 0 };

	for (size_t i = 0; i < TOLL_COUNT(keys) && !name.len; i++)
		name = toll_import_member_text(when, keys[i]);
	return name;
}

static void write_rule(struct toll_import *im, const struct model *m, const struct target *t,
                       const struct row *row, struct json_object *when, struct json_object *over)
{
	struct toll_slice tier = tier_name(when);
	char suffix[40] = "";

	if (tier.len)
		snprintf(suffix, sizeof(suffix), "@%.*s", TOLL_FMT(toll_slice_cut(tier, 30)));
	toll_import_rule(im, t->id, suffix);
	if (!m->alone)
		toll_import_provider(im, m->provider);
	if (t->op)
		toll_import_pattern(im, "model", t->op, t->texts[0]);
	else
		toll_import_one_of(im, "model", t->texts, t->count);
	if (tier.len)
		toll_import_exact(im, tier_key(m, when), tier);
	if (toll_genai_is_free(row->prices)) {
		toll_import_free(im);
	} else {
		toll_import_price(im);
		toll_genai_write_meters(im, row->prices, over);
		toll_import_price_end(im);
	}
	toll_import_rule_end(im, row->from, row->to);
}

/* Over the last of the model's rows: what a tier cost before is not told by most lists. */
static void write_variant(struct toll_import *im, const struct model *m, const struct target *t,
                          struct json_object *variant)
{
	struct json_object *when = toll_import_member(variant, "when");
	struct json_object *over = toll_import_member(variant, "prices");
	struct row row = m->rows[m->row_count - 1];
	struct toll_slice day = first_day(variant);

	if (toll_slice_is(tier_name(when), "default"))
		return;
	if (!tier_name(when).len || is_hourly(variant) || toll_genai_is_free(row.prices)) {
		toll_import_leave_out(im, t->id, "a special price that no attribute tells");
		return;
	}
	if (day.len && (!row.from.len || memcmp(day.ptr, row.from.ptr, day.len) > 0))
		row.from = day;
	write_rule(im, m, t, &row, when, over);
}

/* The same tier twice would be two rules of one id on one day: the first counts. */
static bool came_before(struct json_object *variants, size_t i)
{
	struct toll_slice tier =
		tier_name(toll_import_member(json_object_array_get_idx(variants, i), "when"));

	for (size_t j = 0; j < i; j++)
		if (toll_slice_eq(tier, tier_name(toll_import_member(
						json_object_array_get_idx(variants, j), "when"))))
			return true;
	return false;
}

static void write_target(struct toll_import *im, const struct model *m, const struct target *t)
{
	struct json_object *variants = toll_import_member(m->entry, "price_variants");
	bool listed = json_object_is_type(variants, json_type_array);

	for (size_t i = 0; i < m->row_count; i++)
		write_rule(im, m, t, &m->rows[i], NULL, NULL);
	for (size_t i = 0; listed && i < json_object_array_length(variants); i++)
		if (!came_before(variants, i))
			write_variant(im, m, t, json_object_array_get_idx(variants, i));
}

/* ---- matching ---- */

/* The alternatives of a clause: itself, or those of "or". */
static size_t alternative_count(struct json_object *clause)
{
	struct json_object *any = toll_import_member(clause, "or");

	return json_object_is_type(any, json_type_array) ? json_object_array_length(any) : 1;
}

static struct json_object *alternative(struct json_object *clause, size_t i)
{
	struct json_object *any = toll_import_member(clause, "or");

	return json_object_is_type(any, json_type_array) ? json_object_array_get_idx(any, i)
	                                                 : clause;
}

/* A clause as a pattern; NULL: it cannot be said. buf holds the text. */
static const char *pattern_of(struct json_object *clause, char buf[TEXT_MAX],
                              struct toll_slice *ret)
{
	struct toll_slice starts = toll_import_member_text(clause, "starts_with");
	struct toll_slice ends = toll_import_member_text(clause, "ends_with");
	struct toll_slice inside = toll_import_member_text(clause, "contains");
	struct toll_slice text = starts.len ? starts : ends.len ? ends : inside;

	if (!toll_import_fits(text))
		return NULL;
	*ret = toll_import_lower(text, buf + 1, TEXT_MAX - 2);
	if (starts.len || ends.len)
		return starts.len ? "prefix" : "suffix";
	buf[0] = buf[ret->len + 1] = '*';
	*ret = toll_slice(buf, ret->len + 2);
	return "glob";
}

static void write_pattern(struct toll_import *im, const struct model *m, struct json_object *clause)
{
	char buf[TEXT_MAX], id[TEXT_MAX];
	struct toll_slice text;
	struct target t = { .texts = &text, .count = 1, .op = pattern_of(clause, buf, &text) };
	int len;

	if (!t.op) {
		toll_import_leave_out(
			im, m->id,
			"a way to match its name that is no text, prefix, suffix or part");
		return;
	}
	len = snprintf(id, sizeof(id), "%.*s/%s%.*s%s", TOLL_FMT(m->provider),
	               strcmp(t.op, "suffix") == 0 ? "*" : "", TOLL_FMT(text),
	               strcmp(t.op, "prefix") == 0 ? "*" : "");
	t.id = toll_slice(id, (size_t)len < sizeof(id) ? (size_t)len : sizeof(id) - 1);
	if (toll_import_fits(t.id))
		write_target(im, m, &t);
	else
		toll_import_leave_out(im, m->id, "its name is too long");
}

/* The plain names together, under the model's id. */
static void write_names(struct toll_import *im, const struct model *m, struct json_object *match)
{
	static _Thread_local char bytes[TEXTS_MAX][TEXT_MAX];
	struct toll_slice texts[TEXTS_MAX];
	char id[TEXT_MAX];
	struct target t = { .texts = texts };
	int len = snprintf(id, sizeof(id), "%.*s/%.*s", TOLL_FMT(m->provider), TOLL_FMT(m->id));

	for (size_t i = 0; i < alternative_count(match) && t.count < TEXTS_MAX; i++) {
		struct toll_slice text = toll_import_member_text(alternative(match, i), "equals");

		if (toll_import_fits(text)) {
			texts[t.count] = toll_import_lower(text, bytes[t.count], TEXT_MAX);
			t.count++;
		}
	}
	t.id = toll_slice(id, (size_t)len < sizeof(id) ? (size_t)len : sizeof(id) - 1);
	if (t.count && toll_import_fits(t.id))
		write_target(im, m, &t);
}

/* Names are matched in lower case: what the list says twice, once in capitals, is one rule. */
static bool is_new_pattern(struct json_object *match, size_t i)
{
	char buf[TEXT_MAX], other_buf[TEXT_MAX];
	struct toll_slice text, other;
	const char *op = pattern_of(alternative(match, i), buf, &text);

	for (size_t j = 0; op && j < i; j++) {
		const char *before = pattern_of(alternative(match, j), other_buf, &other);

		if (before && strcmp(before, op) == 0 && toll_slice_eq(text, other))
			return false;
	}
	return true;
}

static void write_model(struct toll_import *im, struct model *m)
{
	struct json_object *match = toll_import_member(m->entry, "match");
	bool can = m->provider.len > 0 && m->id.len > 0;

	read_history(im, m);
	for (size_t i = 0; i < m->row_count; i++)
		can &= json_object_is_type(m->rows[i].prices, json_type_object) &&
		       toll_genai_can_price(im, m->id, m->rows[i].prices);
	if (!can || !m->row_count) {
		toll_import_leave_out(im, m->id, "no price by which a span could be charged");
		return;
	}
	write_names(im, m, match);
	for (size_t i = 0; i < alternative_count(match); i++)
		if (!toll_import_member(alternative(match, i), "equals") &&
		    is_new_pattern(match, i))
			write_pattern(im, m, alternative(match, i));
}

static void write_provider(struct toll_import *im, struct json_object *provider)
{
	struct json_object *models = toll_import_member(provider, "models");
	bool listed = json_object_is_type(models, json_type_array);

	for (size_t i = 0; listed && i < json_object_array_length(models); i++) {
		struct model m = { .provider = toll_import_member_text(provider, "id"),
			           .entry = json_object_array_get_idx(models, i),
			           .alone = toll_import_member(provider, "model_match") };

		m.id = toll_import_member_text(m.entry, "id");
		write_model(im, &m);
	}
}

int toll_import_genai(struct toll_import *im, struct toll_slice text, struct toll_error *reterr)
{
	int err = 0;
	struct json_object *list = toll_import_parse(im, text, json_type_array, &err, reterr);

	if (!list)
		return err;
	toll_import_begin(im);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		write_provider(im, json_object_array_get_idx(list, i));
	json_object_put(list);
	return toll_import_end(im, reterr);
}
