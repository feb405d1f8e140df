/* SPDX-License-Identifier: Apache-2.0 */
/* import_litellm.c - LiteLLM's price map: model -> dollars per token and much else.
 *
 * Source of the shape: github.com/BerriAI/litellm, model_prices_and_context_window.json. A price of
 * a tier by length has "_above_200k_tokens" behind its name, one of a service tier "_flex",
 * "_priority" or "_batches". */
#include <inttypes.h>

#include "base/macro.h"
#include "prices/import_json.h"
#include "prices/import_provider.h"
#include "prices/import_write.h"

enum { KEY_MAX = 128, TIERS_MAX = 8 };

static const struct {
	const char *key, *meter;
} meters[] = {
	{ "input_cost_per_token", "input_tokens" },
	{ "cache_read_input_token_cost", "cached_tokens" },
	{ "cache_creation_input_token_cost", "cache_write_tokens" },
	{ "cache_creation_input_token_cost_above_1hr", "cache_write_1h_tokens" },
	{ "output_cost_per_token", "output_tokens" },
	{ "input_cost_per_audio_token", "input_audio_tokens" },
	{ "output_cost_per_audio_token", "output_audio_tokens" },
	{ "input_cost_per_character", "characters" },
	{ "input_cost_per_request", "calls" },
};

/* A service tier, the end of its keys, the end of its rule's id. */
static const struct tier {
	const char *name, *key, *id;
} tiers[] = {
	{ NULL, "", "" },
	{ "flex", "_flex", "@flex" },
	{ "priority", "_priority", "@priority" },
	{ "batch", "_batches", "@batch" },
};

struct model {
	struct toll_slice id, name, provider;
	struct json_object *entry;
};

/* ---- one price ---- */

static struct toll_slice price_of(struct json_object *entry, const char *key, const char *above,
                                  const char *end)
{
	char name[KEY_MAX];
	struct toll_slice usd;

	snprintf(name, sizeof(name), "%s%s%s", key, above, end);
	usd = toll_import_member_text(entry, name);
	return toll_import_is_amount(usd) ? usd : toll_slice(NULL, 0);
}

/* The lengths that any price of the entry has a tier for, ascending. */
static size_t find_lengths(struct json_object *entry, unsigned long lengths[TIERS_MAX])
{
	size_t count = 0;

	json_object_object_foreach(entry, key, value)
	{
		const char *above = strstr(key, "_above_");
		unsigned long length = above ? strtoul(above + 7, NULL, 10) : 0;
		size_t at = 0;

		(void)value;
		if (!length || length > 100000 || !strstr(above, "k_tokens"))
			continue;
		while (at < count && lengths[at] < length)
			at++;
		if (count == TIERS_MAX || (at < count && lengths[at] == length))
			continue;
		memmove(&lengths[at + 1], &lengths[at], (count - at) * sizeof(*lengths));
		lengths[at] = length;
		count++;
	}
	return count;
}

static void write_lengths(struct toll_import *im, struct json_object *entry, const char *key,
                          const char *end)
{
	unsigned long lengths[TIERS_MAX];
	size_t count = find_lengths(entry, lengths);
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		char above[40];
		struct toll_slice usd;

		snprintf(above, sizeof(above), "_above_%luk_tokens", lengths[i]);
		usd = price_of(entry, key, above, end);
		if (!usd.len)
			continue;
		toll_import_tier(im, lengths[i] * 1000, usd, !any);
		any = true;
	}
	toll_import_meter_end(im, any);
}

/* A service tier leaves out what costs the same in it. */
static void write_meter(struct toll_import *im, const struct model *m, size_t i, const char *end)
{
	struct toll_slice usd = price_of(m->entry, meters[i].key, "", end);

	if (!usd.len) {
		end = "";
		usd = price_of(m->entry, meters[i].key, "", end);
	}
	if (!usd.len)
		return;
	toll_import_meter(im, meters[i].meter, usd, "1", NULL);
	write_lengths(im, m->entry, meters[i].key, end);
}

/* ---- one rule ---- */

static void write_rule(struct toll_import *im, const struct model *m, const struct tier *t)
{
	toll_import_rule(im, m->id, t->id);
	toll_import_litellm_provider(im, m->provider);
	toll_import_exact(im, "model", m->name);
	if (t->name)
		toll_import_exact(im,
		                  toll_slice_is(m->provider, "openai") &&
		                                  strcmp(t->name, "batch") != 0
		                          ? "openai.response.service_tier"
		                          : "cost.service_tier",
		                  toll_slice_str(t->name));
	toll_import_price(im);
	for (size_t i = 0; i < TOLL_COUNT(meters); i++)
		write_meter(im, m, i, t->key);
	toll_import_price_end(im);
	toll_import_rule_end(im, toll_slice(NULL, 0), toll_slice(NULL, 0));
}

static bool has_price(const struct model *m, const char *end)
{
	for (size_t i = 0; i < TOLL_COUNT(meters); i++)
		if (price_of(m->entry, meters[i].key, "", end).len)
			return true;
	return false;
}

/* Most keys begin with the provider, some with the region or the kind behind it. */
static struct toll_slice name_of(struct toll_slice key, struct toll_slice provider)
{
	const char *slash = memchr(key.ptr, '/', key.len);
	struct toll_slice head;

	if (!slash)
		return key;
	head = toll_slice(key.ptr, (size_t)(slash - key.ptr));
	if (!toll_slice_eq(head, provider) &&
	    !(toll_slice_is(head, "bedrock") || toll_slice_is(head, "vertex_ai") ||
	      toll_slice_is(head, "azure")))
		return key;
	return toll_slice(slash + 1, key.len - head.len - 1);
}

static const char *why_not(const struct model *m)
{
	if (!m->provider.len)
		return "names no provider";
	if (!toll_import_fits(m->id) || !m->name.len || !toll_import_fits(m->provider))
		return "its name is empty or too long";
	if (memchr(m->name.ptr, '/', m->name.len) && toll_slice_is(m->provider, "bedrock"))
		return "is the price of one region or commitment";
	if (!has_price(m, ""))
		return "has no price per token, character or request";
	return NULL;
}

static void write_model(struct toll_import *im, struct toll_slice key, struct json_object *entry)
{
	char id[256], name[256];
	struct model m = { .entry = entry,
		           .provider = toll_import_member_text(entry, "litellm_provider") };
	const char *why;

	m.id = toll_import_lower(key, id, sizeof(id));
	m.name = name_of(toll_import_lower(key, name, sizeof(name)), m.provider);
	why = why_not(&m);
	if (why) {
		toll_import_leave_out(im, key, why);
		return;
	}
	for (size_t i = 0; i < TOLL_COUNT(tiers); i++)
		if (has_price(&m, tiers[i].key))
			write_rule(im, &m, &tiers[i]);
}

int toll_import_litellm(struct toll_import *im, struct toll_slice text, struct toll_error *reterr)
{
	int err = 0;
	struct json_object *list = toll_import_parse(im, text, json_type_object, &err, reterr);

	if (!list)
		return err;
	toll_import_begin(im);
	json_object_object_foreach(list, key, entry)
	{
		if (strcmp(key, "sample_spec") != 0)
			write_model(im, toll_slice_str(key), entry);
	}
	json_object_put(list);
	return toll_import_end(im, reterr);
}
