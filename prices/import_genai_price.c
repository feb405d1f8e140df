/* SPDX-License-Identifier: Apache-2.0 */
#include "base/macro.h"
#include "prices/import_genai.h"
#include "prices/import_write.h"

static const struct {
	const char *key, *meter, *per;
	bool is_token; /* or stands alone: a span can be charged by it */
} meters[] = {
	{ "input_mtok", "input_tokens", "1M", true },
	{ "cache_read_mtok", "cached_tokens", "1M", false },
	{ "cache_write_mtok", "cache_write_tokens", "1M", false },
	{ "cache_write_1h_mtok", "cache_write_1h_tokens", "1M", false },
	{ "output_mtok", "output_tokens", "1M", true },
	{ "output_reasoning_mtok", "reasoning_tokens", "1M", false },
	{ "input_audio_mtok", "input_audio_tokens", "1M", true },
	{ "output_audio_mtok", "output_audio_tokens", "1M", true },
	{ "input_image_mtok", "input_image_tokens", "1M", false },
	{ "input_mchars", "characters", "1M", true },
	{ "web_searches_kcount", "search_queries", "1k", false },
	{ "requests_kcount", "calls", "1k", true },
};

/* A number, or {base, tiers}. */
static struct toll_slice base_of(struct json_object *price)
{
	struct toll_slice usd = toll_import_text(price);

	if (!usd.len)
		usd = toll_import_member_text(price, "base");
	return toll_import_is_amount(usd) ? usd : toll_slice(NULL, 0);
}

static bool is_known(const char *key)
{
	for (size_t i = 0; i < TOLL_COUNT(meters); i++)
		if (strcmp(key, meters[i].key) == 0)
			return true;
	return false;
}

bool toll_genai_is_free(struct json_object *prices)
{
	return json_object_object_length(prices) == 0;
}

bool toll_genai_can_price(struct toll_import *im, struct toll_slice model,
                          struct json_object *prices)
{
	bool can = toll_genai_is_free(prices);

	for (size_t i = 0; i < TOLL_COUNT(meters); i++)
		can |= meters[i].is_token &&
		       base_of(toll_import_member(prices, meters[i].key)).len > 0;
	json_object_object_foreach(prices, key, value)
	{
		char why[96];

		(void)value;
		snprintf(why, sizeof(why), "no meter for %.60s", key);
		if (!is_known(key))
			toll_import_leave_out(im, model, why);
	}
	return can;
}

static void write_tiers(struct toll_import *im, struct json_object *price)
{
	struct json_object *tiers = toll_import_member(price, "tiers");
	size_t count =
		json_object_is_type(tiers, json_type_array) ? json_object_array_length(tiers) : 0;
	bool any = false;

	for (size_t i = 0; i < count && i < 16; i++) {
		struct json_object *tier = json_object_array_get_idx(tiers, i);
		struct toll_slice usd = toll_import_member_text(tier, "price");
		int64_t over = json_object_get_int64(toll_import_member(tier, "start"));

		if (over < 0 || !toll_import_is_amount(usd))
			continue;
		toll_import_tier(im, (unsigned long)over, usd, !any);
		any = true;
	}
	toll_import_meter_end(im, any);
}

void toll_genai_write_meters(struct toll_import *im, struct json_object *prices,
                             struct json_object *over)
{
	for (size_t i = 0; i < TOLL_COUNT(meters); i++) {
		struct json_object *price = toll_import_member(over, meters[i].key);

		if (!base_of(price).len)
			price = toll_import_member(prices, meters[i].key);
		if (!base_of(price).len)
			continue;
		toll_import_meter(im, meters[i].meter, base_of(price), meters[i].per, NULL);
		write_tiers(im, price);
	}
}
