/* SPDX-License-Identifier: Apache-2.0 */
/* hold.c - a refresh that moves a price too far waits until somebody confirms it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "extensions/pricebook/private.h"
#include "prices/change.h"

bool toll_pricebook_is_held(const struct pricebook *p, const char *version)
{
	return p->held && strcmp(p->held->version, version) == 0;
}

static void set_holding(struct pricebook *p, bool holding)
{
	pthread_mutex_lock(&p->lock);
	p->holding = holding;
	pthread_mutex_unlock(&p->lock);
}

void toll_pricebook_let_go(struct pricebook *p)
{
	if (p->held)
		TOLL_INFO(p->super.super.who,
		          "the source no longer offers the price book that was held version=%s",
		          p->held->version);
	p->held = toll_edition_unref(p->held);
	set_holding(p, false);
}

bool toll_pricebook_is_confirmed(struct pricebook *p, const char *version)
{
	bool confirmed;

	pthread_mutex_lock(&p->lock);
	confirmed = strcmp(p->confirmed, version) == 0;
	pthread_mutex_unlock(&p->lock);
	return confirmed || toll_slice_is(p->config->confirm, version);
}

void toll_pricebook_confirm(struct pricebook *p, const char *version)
{
	pthread_mutex_lock(&p->lock);
	snprintf(p->confirmed, sizeof(p->confirmed), "%s", version);
	p->poked = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

static bool moves_too_far(struct pricebook *p, const struct toll_edition *e,
                          struct toll_price_change *ret)
{
	/* Who follows a pricing service takes what that one has taken. */
	if (!p->current || !p->config->max_change || toll_pricebook_follows(p))
		return false;
	return toll_price_changes(p->current->book, e->book, p->config->max_change,
	                          (int64_t)(toll_clock_wall_ns() / TOLL_S), ret) &&
	       !toll_pricebook_is_confirmed(p, e->version);
}

bool toll_pricebook_hold(struct pricebook *p, struct toll_edition *e,
                         const struct toll_http_etag *etag)
{
	const char *who = p->super.super.who, *id = p->super.super.id.text;
	struct toll_price_change change;

	if (!moves_too_far(p, e, &change))
		return false;
	p->held = e;
	p->held_etag = *etag;
	set_holding(p, true);
	TOLL_WARN(
		who,
		"prices are held: %s, %.4g times, %u rows in all move by more than max_change; the "
		"old prices stay in force version=%s",
		change.text, change.factor, change.rows, e->version);
	TOLL_WARN(who,
	          "to take them set confirm: %s, or PUT /debug/pricebookz?book=%s&confirm=%s to "
	          "zpages",
	          e->version, id, e->version);
	return true;
}
