/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "budget/settings_json.h"
#include "exporters/enforcer/keys.h"

#define TEXT_MAX ((size_t)64 << 10)

void toll_runtime_release(struct toll_runtime *rt)
{
	free(rt->memory);
	rt->memory = NULL;
	rt->count = 0;
	toll_rules_release(&rt->rules);
	rt->seen = 0;
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

static struct toll_slice copy_to(char **at, struct toll_slice s)
{
	struct toll_slice copy = toll_slice(*at, s.len);

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len + 1;
	return copy;
}

static size_t bytes_of(const redisReply *pairs)
{
	size_t bytes = 1;

	for (size_t i = 0; i < pairs->elements; i++)
		bytes += toll_reply_text(pairs, i).len + 1;
	return bytes;
}

/* With all before it and this one: can they be? Then rules are theirs. */
static bool is_possible(const struct toll_runtime *rt, const struct toll_budget_text *texts,
                        size_t count, struct toll_rules *rules)
{
	const struct toll_budget_text *last = &texts[count - 1];
	struct toll_rules next;
	struct toll_error why;

	if (toll_rules_overlay(&next, &rt->conf, texts, count, &why) < 0) {
		TOLL_WARN(rt->who, TOLL_KEY_BUDGETS ": %.*s is left out: %s",
		          (int)(last->name.len < 64 ? last->name.len : 64), last->name.ptr,
		          why.text);
		return false;
	}
	toll_rules_release(rules);
	*rules = next;
	return true;
}

/* False: out of memory; then all is as it was. */
static bool take_over(struct toll_runtime *rt, const redisReply *pairs)
{
	char *memory = calloc(1, bytes_of(pairs)), *at = memory;
	struct toll_rules rules = { 0 };
	size_t n = 0;

	if (!memory)
		return false;
	for (size_t i = 0; i + 1 < pairs->elements && n < TOLL_RULES_MAX; i += 2) {
		rt->texts[n].name = copy_to(&at, toll_reply_text(pairs, i));
		rt->texts[n].text = copy_to(&at, toll_reply_text(pairs, i + 1));
		n += is_possible(rt, rt->texts, n + 1, &rules);
	}
	free(rt->memory);
	toll_rules_release(&rt->rules);
	rt->memory = memory;
	rt->rules = rules;
	rt->count = n;
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
	for (size_t i = 0; i < rt->count; i++)
		if (toll_slice_eq(rt->texts[i].name, name))
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

	for (size_t i = 0; i < rt->count; i++)
		if (!toll_slice_eq(rt->texts[i].name, name))
			texts[n++] = rt->texts[i];
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
	for (size_t i = 0; i < rt->count && !err; i++)
		err = add_line(q, rt->texts[i].name, rt->texts[i].text, "run time");
	return err;
}
