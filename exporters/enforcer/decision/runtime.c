/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/decision/runtime.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "budget/settings_json.h"
#include "exporters/enforcer/store_redis/keys.h"

#define TEXT_MAX ((size_t)64 << 10)

void toll_runtime_release(struct toll_runtime *rt)
{
	toll_rules_release(&rt->rules);
	rt->seen = 0;
}

/* The last of these with all before it: can they be? Then *rules are theirs. */
static bool is_possible(const struct toll_runtime *rt, const struct toll_runtime_texts *texts,
                        struct toll_rules *rules, struct toll_error *why)
{
	struct toll_rules next;

	if (toll_rules_overlay(&next, &rt->conf, texts->at, texts->count, why) < 0)
		return false;
	toll_rules_release(rules);
	*rules = next;
	return true;
}

void toll_runtime_renew(struct toll_runtime *rt)
{
	struct toll_runtime_texts texts = { 0 };
	struct toll_rules rules = { 0 };
	struct toll_error why;

	for (uint32_t i = 0; rt->said && i < rt->said->count; i++) {
		texts.at[texts.count++] = rt->said->at[i];
		if (!is_possible(rt, &texts, &rules, &why))
			texts.count--;
	}
	toll_rules_release(&rt->rules);
	rt->rules = rules;
}

/* ---- what the store says ---- */

/* Of all names and texts, whatever their order. */
static uint64_t hash_of(const redisReply *pairs)
{
	uint64_t hash = 0;

	for (size_t i = 0; i + 1 < pairs->elements; i += 2)
		hash += toll_hash_seeded(toll_reply_text(pairs, i + 1),
		                         toll_hash(toll_reply_text(pairs, i)));
	return hash;
}

static size_t bytes_of(const redisReply *pairs)
{
	size_t bytes = 0;

	for (size_t i = 0; i < pairs->elements; i++)
		bytes += toll_reply_text(pairs, i).len;
	return bytes;
}

/* One that cannot be is left out and told. */
static void take_over_one(struct toll_runtime *rt, struct toll_runtime_texts *texts,
                          struct toll_slice name, struct toll_slice text, struct toll_rules *rules)
{
	struct toll_error why;

	toll_runtime_texts_add(texts, name, text);
	if (is_possible(rt, texts, rules, &why))
		return;
	texts->count--;
	TOLL_WARN(rt->who, TOLL_KEY_BUDGETS ": %.*s is left out: %s",
	          (int)(name.len < 64 ? name.len : 64), name.ptr, why.text);
}

/* False: out of memory; then all is as it was. */
static bool take_over(struct toll_runtime *rt, const redisReply *pairs)
{
	struct toll_runtime_texts texts, old = *rt->said;
	struct toll_rules rules = { 0 };

	if (toll_runtime_texts_init(&texts, bytes_of(pairs)) < 0)
		return false;
	for (size_t i = 0; i + 1 < pairs->elements && texts.count < TOLL_RULES_MAX; i += 2)
		take_over_one(rt, &texts, toll_reply_text(pairs, i), toll_reply_text(pairs, i + 1),
		              &rules);
	toll_rules_release(&rt->rules);
	rt->rules = rules;
	toll_totals_lock(rt->totals);
	*rt->said = texts;
	rt->totals->reshaped = true;
	toll_totals_unlock(rt->totals);
	toll_runtime_texts_release(&old);
	return true;
}

int toll_runtime_refresh(struct toll_runtime *rt, struct toll_redis *r, bool *ret_changed)
{
	redisReply *reply;
	uint64_t hash;
	int err = toll_redis_call(r, TOLL_SLICE(TOLL_KEY_BUDGETS), &reply, "HGETALL",
	                          TOLL_KEY_BUDGETS);

	*ret_changed = false;
	if (err)
		return err;
	hash = reply->type == REDIS_REPLY_ARRAY ? hash_of(reply) : rt->seen;
	if (hash != rt->seen && take_over(rt, reply)) {
		rt->seen = hash;
		*ret_changed = true;
	}
	freeReplyObject(reply);
	return 0;
}

/* ---- what people ask ---- */

static bool has(const struct toll_runtime *rt, struct toll_slice name)
{
	for (uint32_t i = 0; rt->said && i < rt->said->count; i++)
		if (toll_slice_eq(rt->said->at[i].name, name))
			return true;
	return false;
}

/* The others, and the new one in the place of the old. */
static int try(const struct toll_runtime *rt, struct toll_slice name, struct toll_request *q)
{
	struct toll_budget_text texts[TOLL_RULES_MAX + 1];
	struct toll_rules rules = { 0 };
	size_t n = 0;
	int err;

	for (uint32_t i = 0; i < rt->said->count; i++)
		if (!toll_slice_eq(rt->said->at[i].name, name))
			texts[n++] = rt->said->at[i];
	if (q->json[0])
		texts[n++] = (struct toll_budget_text){ name, toll_slice_str(q->json) };
	err = toll_rules_overlay(&rules, &rt->conf, texts, n, &q->error);
	toll_rules_release(&rules);
	return err == TOLL_ECONFIG ? TOLL_EINVALID : err;
}

int toll_runtime_check(const struct toll_runtime *rt, struct toll_request *q)
{
	struct toll_slice name = toll_slice_str(q->subject);

	if (!q->json[0] && !has(rt, name))
		return toll_fail(&q->error, TOLL_EINVALID,
		                 "no budget of that name was set at run time: those of the "
		                 "configuration are changed there");
	return try(rt, name, q);
}

static int add_line(struct toll_request *q, struct toll_slice name, struct toll_slice json,
                    const char *source)
{
	if (toll_answer_add(&q->lines, name) < 0 || toll_answer_add(&q->lines, json) < 0 ||
	    toll_answer_add(&q->lines, toll_slice_str(source)) < 0)
		return toll_fail(&q->error, TOLL_ENOMEM, "out of memory");
	return 0;
}

static int list_configured(const struct toll_runtime *rt, struct toll_request *q, char *text)
{
	size_t count = rt->conf.budgets.count;
	const struct toll_budget_config *b = count ? rt->conf.budgets.at : &toll_default_budget;
	int err = 0;

	for (size_t i = 0; i < (count ? count : 1) && !err; i++) {
		size_t len = toll_budget_config_print(&b[i], text, TEXT_MAX);

		if (len && !(b[i].name.len && has(rt, b[i].name)))
			err = add_line(q, b[i].name, toll_slice(text, len),
			               count ? "file" : "default");
	}
	return err;
}

int toll_runtime_list(const struct toll_runtime *rt, struct toll_request *q)
{
	char *text = malloc(TEXT_MAX);
	int err = 0;

	if (!text)
		return toll_fail(&q->error, TOLL_ENOMEM, "out of memory");
	err = list_configured(rt, q, text);
	free(text);
	for (uint32_t i = 0; rt->said && i < rt->said->count && !err; i++)
		err = add_line(q, rt->said->at[i].name, rt->said->at[i].text, "run time");
	return err;
}
