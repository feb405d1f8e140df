/* SPDX-License-Identifier: Apache-2.0 */
/* document_match.c - what a rule asks of a span. */
#include "prices/rows.h"

/* ---- one condition ---- */

static bool read_one_text(struct toll_reading *r, const struct toll_spot *at,
                          struct toll_condition *c)
{
	struct toll_slice *text = toll_reading_new(r, struct toll_slice, 1);

	if (!text || !toll_read_text(r, at, TOLL_PRICES_TEXT, text))
		return false;
	c->texts = text;
	c->text_count = 1;
	return true;
}

static void read_one_of(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_condition *c = into;
	struct toll_slice *texts;

	c->op = TOLL_MATCH_ONE_OF;
	if (!toll_read_is_list(r, at))
		return;
	if (!at->node->count || at->node->count > TOLL_PRICES_TEXTS) {
		toll_reading_bad_value(r, at, "must name 1 to %d texts", TOLL_PRICES_TEXTS);
		return;
	}
	texts = toll_reading_new(r, struct toll_slice, at->node->count);
	c->texts = texts;
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot item = toll_spot_of(at, i);

		if (toll_read_text(r, &item, TOLL_PRICES_TEXT, &texts[c->text_count]))
			c->text_count++;
	}
}

static void read_prefix(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_condition *c = into;

	c->op = TOLL_MATCH_PREFIX;
	read_one_text(r, at, c);
}

static void read_suffix(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_condition *c = into;

	c->op = TOLL_MATCH_SUFFIX;
	read_one_text(r, at, c);
}

static void read_glob(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_condition *c = into;

	c->op = TOLL_MATCH_GLOB;
	read_one_text(r, at, c);
}

static void read_exists(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_condition *c = into;
	bool there = true;

	if (toll_read_bool(r, at, &there))
		c->op = there ? TOLL_MATCH_EXISTS : TOLL_MATCH_ABSENT;
}

static const struct toll_member operators[] = {
	{ "one_of", .read = read_one_of }, { "prefix", .read = read_prefix },
	{ "suffix", .read = read_suffix }, { "glob", .read = read_glob },
	{ "exists", .read = read_exists }, { 0 },
};

void toll_read_condition(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_condition *c = into;

	switch (at->node->kind) {
	case TOLL_YAML_SCALAR:
		c->op = TOLL_MATCH_EXACT;
		read_one_text(r, at, c);
		break;
	case TOLL_YAML_MAP:
		if (at->node->count == 1 && !toll_yaml_is_null(at->node->entries[0].value))
			toll_read_members(r, at, operators, c);
		else
			toll_reading_bad_value(r, at,
			                       "must be a text, or exactly one of one_of, prefix, "
			                       "suffix, glob, exists");
		break;
	case TOLL_YAML_LIST:
		toll_reading_bad_value(r, at, "write {one_of: [...]} where several texts will do");
		break;
	default:
		toll_reading_bad_value(r, at,
		                       "has no value; {exists: false} is for what is not there");
	}
}

/* ---- match ---- */

static const char *const reserved[] = { "service", "operation", "region", "provider",
	                                "model",   "kind",      "name" };
static const char *const kinds[] = { "server", "client", "producer", "consumer", "internal" };

static bool is_one_of(struct toll_slice s, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (toll_slice_is(s, words[i]))
			return true;
	return false;
}

static const char *nearest(struct toll_slice s, const char *const *words, size_t count)
{
	struct toll_suggest suggest;

	toll_suggest_init(&suggest, s);
	for (size_t i = 0; i < count; i++)
		toll_suggest_offer(&suggest, words[i]);
	return suggest.best;
}

/* Any word is the key of some attribute: one that looks like a slip is worth a warning only. */
static void check_field(struct toll_reading *r, const struct toll_spot *at)
{
	const char *word;

	if (!at->key.len || at->key.len > TOLL_PRICES_ID) {
		toll_reading_error(r, at, "the name of a field has 1 to %d bytes", TOLL_PRICES_ID);
		return;
	}
	if (is_one_of(at->key, reserved, TOLL_COUNT(reserved)) ||
	    memchr(at->key.ptr, '.', at->key.len))
		return;
	word = nearest(at->key, reserved, TOLL_COUNT(reserved));
	if (word)
		toll_reading_warning(r, at, "is the attribute of that name; did you mean \"%s\"?",
		                     word);
}

static void check_kind(struct toll_reading *r, const struct toll_spot *at,
                       const struct toll_condition *c)
{
	for (uint32_t i = 0; i < c->text_count && c->op <= TOLL_MATCH_ONE_OF; i++) {
		const char *word = nearest(c->texts[i], kinds, TOLL_COUNT(kinds));

		if (!is_one_of(c->texts[i], kinds, TOLL_COUNT(kinds)))
			toll_reading_bad_value(
				r, at,
				"\"%.*s\" is none of server, client, producer, consumer, "
				"internal%s%s%s",
				TOLL_FMT(toll_slice_cut(c->texts[i], 40)),
				word ? "; did you mean \"" : "", word ? word : "",
				word ? "\"?" : "");
	}
}

/* Operations have '*' in them where a path was folded; elsewhere it looks like a pattern. */
static void check_star(struct toll_reading *r, const struct toll_spot *at,
                       const struct toll_condition *c)
{
	bool operation = toll_slice_is(at->key, "operation");

	if (c->op != TOLL_MATCH_EXACT || c->text_count != 1)
		return;
	if (operation && toll_slice_is(c->texts[0], "*"))
		toll_reading_warning(r, at,
		                     "means an operation that is called \"*\"; leave operation "
		                     "away for the service's default");
	else if (!operation && !toll_slice_is(at->key, "name") &&
	         is_one_of(at->key, reserved, TOLL_COUNT(reserved)) &&
	         memchr(c->texts[0].ptr, '*', c->texts[0].len))
		toll_reading_warning(r, at,
		                     "is compared as it stands; for a pattern write {glob: "
		                     "\"%.*s\"}",
		                     TOLL_FMT(toll_slice_cut(c->texts[0], 60)));
}

void toll_read_match(struct toll_reading *r, const struct toll_spot *at, void *into)
{
	struct toll_price_rule *rule = into;
	struct toll_condition *conditions;

	if (!toll_read_is_map(r, at))
		return;
	if (!at->node->count || at->node->count > TOLL_PRICE_CONDITIONS) {
		toll_reading_bad_value(r, at, "must have 1 to %d conditions",
		                       TOLL_PRICE_CONDITIONS);
		return;
	}
	conditions = toll_reading_new(r, struct toll_condition, at->node->count);
	for (size_t i = 0; i < at->node->count && !r->err; i++) {
		struct toll_spot entry = toll_spot_of(at, i);

		conditions[i].field = entry.key;
		check_field(r, &entry);
		toll_read_condition(r, &entry, &conditions[i]);
		if (toll_slice_is(entry.key, "kind"))
			check_kind(r, &entry, &conditions[i]);
		check_star(r, &entry, &conditions[i]);
	}
	rule->conditions = conditions;
	rule->condition_count = (uint32_t)at->node->count;
}
