/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/totals/kept.h"

#include "pipeline/host.h"

/* ---- life ---- */

static void release(void *state)
{
	struct toll_kept *k = state;

	const void *mine = k;

	if (!k->made)
		return;
	if (k->shown) /* of a start that failed: not yet */
		atomic_compare_exchange_strong(&k->shown->kept, &mine, NULL);
	toll_totals_release(&k->totals);
	toll_flag_board_release(&k->board);
	toll_memory_words_release(&k->words);
	toll_runtime_texts_release(&k->said);
	toll_checkpoint_close(&k->checkpoint);
	toll_wire_out_release(&k->payload);
	toll_rules_release(&k->rules);
	pthread_mutex_destroy(&k->saving);
	pthread_mutex_destroy(&k->lock);
}

static int make(struct toll_kept *k, const struct toll_rules *rules, uint32_t max_services)
{
	toll_rules_copy(&k->rules, rules);
	if (toll_flag_board_init(&k->board) < 0 ||
	    toll_totals_init(&k->totals, &k->rules, max_services) < 0) {
		toll_totals_release(&k->totals);
		toll_flag_board_release(&k->board);
		toll_rules_release(&k->rules);
		return TOLL_ENOMEM;
	}
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->saving, NULL);
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

int toll_kept_follow(struct toll_kept *k, const struct toll_rules *rules, uint32_t max_services)
{
	struct toll_rules next, old = k->rules;
	int err;

	if (toll_rules_equal(&old, rules) && k->totals.limit == max_services + 1)
		return 0;
	toll_rules_copy(&next, rules);
	toll_rules_succeed(&next, &old);
	toll_totals_lock(&k->totals);
	err = toll_totals_follow(&k->totals, &k->rules, &next, max_services);
	toll_totals_unlock(&k->totals);
	toll_rules_release(err ? &next : &old);
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

bool toll_kept_claim_turn(struct toll_kept *k, const void *who)
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
	return mine;
}

bool toll_kept_begin_turn(struct toll_kept *k, const void *who, const struct toll_rules *rules,
                          uint32_t max_services, enum toll_enforcer_store store)
{
	if (toll_kept_follow(k, rules, max_services) < 0) {
		toll_kept_leave_turn(k, who);
		return false;
	}
	if (k->store == TOLL_STORE_MEMORY && store != TOLL_STORE_MEMORY)
		forget_sent(&k->totals);
	if (k->store != store)
		k->totals.reshaped = true;
	k->store = store;
	k->begun = true;
	return true;
}

bool toll_kept_take_turn(struct toll_kept *k, const void *who, const struct toll_rules *rules,
                         uint32_t max_services, enum toll_enforcer_store store)
{
	return toll_kept_claim_turn(k, who) &&
	       toll_kept_begin_turn(k, who, rules, max_services, store);
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

bool toll_kept_has_turn(struct toll_kept *k, const void *who)
{
	bool mine;

	pthread_mutex_lock(&k->lock);
	mine = k->holder == who;
	pthread_mutex_unlock(&k->lock);
	return mine;
}

bool toll_kept_is_wanted(struct toll_kept *k, const void *who)
{
	bool wanted;

	pthread_mutex_lock(&k->lock);
	wanted = k->waiting && k->waiting != who;
	pthread_mutex_unlock(&k->lock);
	return wanted;
}
