/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/kept.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/host.h"

/* ---- rules that outlive the configuration they came from ---- */

static size_t glob_bytes(const struct toll_rules *r)
{
	size_t bytes = 1;

	for (uint32_t i = 0; i < r->count; i++)
		bytes += r->at[i].glob.len + 1;
	return bytes;
}

/* *ret's globs lie in the memory that is returned; NULL: there is none. */
static char *copy_rules(const struct toll_rules *r, struct toll_rules *ret)
{
	char *globs = calloc(1, glob_bytes(r)), *at = globs;

	if (!globs)
		return NULL;
	*ret = *r;
	for (uint32_t i = 0; i < r->count; i++) {
		struct toll_slice glob = r->at[i].glob;

		if (glob.len)
			memcpy(at, glob.ptr, glob.len);
		ret->at[i].glob = toll_slice(at, glob.len);
		at += glob.len + 1;
	}
	return globs;
}

/* ---- life ---- */

static void release(void *state)
{
	struct toll_kept *k = state;

	const void *mine = k;

	if (!k->made)
		return;
	atomic_compare_exchange_strong(&k->shown->kept, &mine, NULL);
	toll_totals_release(&k->totals);
	toll_flag_board_release(&k->board);
	toll_memory_words_release(&k->words);
	free(k->globs);
	pthread_mutex_destroy(&k->lock);
}

static int make(struct toll_kept *k, const struct toll_rules *rules, uint32_t max_services)
{
	k->globs = copy_rules(rules, &k->rules);
	if (!k->globs)
		return TOLL_ENOMEM;
	if (toll_flag_board_init(&k->board) < 0 ||
	    toll_totals_init(&k->totals, &k->rules, max_services) < 0) {
		toll_totals_release(&k->totals);
		toll_flag_board_release(&k->board);
		free(k->globs);
		return TOLL_ENOMEM;
	}
	pthread_mutex_init(&k->lock, NULL);
	k->window = -1;
	k->made = true;
	return 0;
}

struct toll_kept *toll_kept_of(struct toll_host *h, const char *id, const struct toll_rules *rules,
                               uint32_t max_services)
{
	struct toll_kept *k = toll_host_keep(h, "enforcer", id, sizeof(*k), release);

	if (k && !k->made && make(k, rules, max_services) < 0) {
		toll_host_let_go(h, k);
		return NULL;
	}
	return k;
}

/* ---- turns ---- */

static bool rules_equal(const struct toll_rules *a, const struct toll_rules *b)
{
	if (a->count != b->count || a->evaluation_ms != b->evaluation_ms ||
	    a->ttl_ms != b->ttl_ms || a->settle_ms != b->settle_ms ||
	    a->window_count != b->window_count)
		return false;
	for (uint32_t i = 0; i < a->window_count; i++)
		if (!toll_window_equal(&a->windows[i], &b->windows[i]))
			return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i].id, b->at[i].id) != 0 || a->at[i].mode != b->at[i].mode)
			return false;
	return true;
}

/* The totals lie as k->rules say until they lie as the new ones say: all or nothing. */
static int follow(struct toll_kept *k, const struct toll_rules *rules, uint32_t max_services)
{
	struct toll_rules next;
	char *globs;
	int err;

	if (rules_equal(&k->rules, rules) && k->totals.limit == max_services + 1)
		return 0;
	globs = copy_rules(rules, &next);
	if (!globs)
		return TOLL_ENOMEM;
	toll_rules_succeed(&next, &k->rules);
	toll_totals_lock(&k->totals);
	err = toll_totals_follow(&k->totals, &k->rules, &next, max_services);
	toll_totals_unlock(&k->totals);
	free(err ? globs : k->globs);
	if (!err)
		k->globs = globs;
	return err;
}

/* A store that keeps nothing has marked everything as sent. */
static void forget_sent(struct toll_totals *t)
{
	toll_totals_lock(t);
	for (uint32_t i = 0; i < t->count; i++)
		for (uint32_t w = 0; w < t->rules->window_count; w++)
			toll_account_forget_sent(&t->services[i]->accounts[w]);
	toll_totals_unlock(t);
}

bool toll_kept_take_turn(struct toll_kept *k, const void *who, const struct toll_rules *rules,
                         uint32_t max_services, enum toll_enforcer_store store)
{
	bool mine;

	pthread_mutex_lock(&k->lock);
	mine = !k->holder || k->holder == who;
	if (mine)
		k->holder = who;
	if (!mine)
		k->waiting = who;
	else if (k->waiting == who)
		k->waiting = NULL;
	pthread_mutex_unlock(&k->lock);
	if (!mine)
		return false;
	if (follow(k, rules, max_services) < 0) {
		toll_kept_leave_turn(k, who);
		return false;
	}
	if (k->store == TOLL_STORE_MEMORY && store != TOLL_STORE_MEMORY)
		forget_sent(&k->totals);
	k->store = store;
	return true;
}

void toll_kept_leave_turn(struct toll_kept *k, const void *who)
{
	pthread_mutex_lock(&k->lock);
	if (k->holder == who)
		k->holder = NULL;
	if (k->waiting == who)
		k->waiting = NULL;
	pthread_mutex_unlock(&k->lock);
}

bool toll_kept_is_wanted(struct toll_kept *k, const void *who)
{
	bool wanted;

	pthread_mutex_lock(&k->lock);
	wanted = k->waiting && k->waiting != who;
	pthread_mutex_unlock(&k->lock);
	return wanted;
}
