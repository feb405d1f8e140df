/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/notify/notify_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NO_TOPIC TOLL_NOTIFY_TOPICS

/* ---- events ---- */

/* Told one by one; the others are states of a flag. */
static bool is_deed(enum toll_event_what what)
{
	return what == TOLL_EVENT_OVERRIDE || what == TOLL_EVENT_KILL ||
	       what == TOLL_EVENT_UNKILL || what == TOLL_EVENT_BUDGET;
}

static bool is_shadow(enum toll_event_what what)
{
	return what == TOLL_EVENT_SHADOW_SET || what == TOLL_EVENT_SHADOW_RELEASE;
}

/* A flag that is set again is on as before. */
static enum toll_event_what state_of(enum toll_event_what what)
{
	return what == TOLL_EVENT_RESTORE ? TOLL_EVENT_SET : what;
}

static bool is_wanted(const struct toll_notify_queue *q, enum toll_event_what what)
{
	return q->wanted & (UINT32_C(1) << what);
}

static bool is_known(enum toll_event_what what)
{
	return what <= TOLL_EVENT_BUDGET;
}

static struct toll_budget_event *copy_of(const struct toll_budget_event *e)
{
	struct toll_budget_event *copy = malloc(sizeof(*copy));

	if (copy)
		*copy = *e;
	return copy;
}

/* ---- life ---- */

int toll_notify_queue_init(struct toll_notify_queue *q, uint32_t wanted, uint64_t cooldown_ns)
{
	*q = (struct toll_notify_queue){ .wanted = wanted, .cooldown_ns = cooldown_ns };
	q->hashes = calloc(TOLL_NOTIFY_TOPICS, sizeof(*q->hashes));
	q->topics = calloc(TOLL_NOTIFY_TOPICS, sizeof(*q->topics));
	q->deeds = calloc(TOLL_NOTIFY_DEEDS, sizeof(*q->deeds));
	if (q->hashes && q->topics && q->deeds)
		return 0;
	free(q->hashes);
	free(q->topics);
	free(q->deeds);
	*q = (struct toll_notify_queue){ .wanted = 0 };
	return TOLL_ENOMEM;
}

void toll_notify_queue_release(struct toll_notify_queue *q)
{
	for (uint32_t i = 0; i < q->topic_count; i++) {
		free(q->topics[i].held);
		free(q->topics[i].subject);
	}
	free(q->flying);
	free(q->hashes);
	free(q->topics);
	free(q->deeds);
	*q = (struct toll_notify_queue){ .wanted = 0 };
}

/* ---- topics ---- */

static uint32_t find(const struct toll_notify_queue *q, uint64_t hash, bool shadow,
                     const char *subject)
{
	for (uint32_t i = 0; i < q->topic_count; i++)
		if (q->hashes[i] == hash && q->topics[i].shadow == shadow &&
		    strcmp(q->topics[i].subject, subject) == 0)
			return i;
	return NO_TOPIC;
}

/* One that nobody would miss. */
static uint32_t find_idle(const struct toll_notify_queue *q, uint64_t now_ns)
{
	for (uint32_t i = 0; i < q->topic_count; i++)
		if (!q->topics[i].held && q->topics[i].quiet_until_ns <= now_ns &&
		    !(q->flying && q->flying_topic == i))
			return i;
	return NO_TOPIC;
}

/* NO_TOPIC: no room, or no memory. */
static uint32_t add(struct toll_notify_queue *q, uint64_t hash, bool shadow, const char *subject,
                    uint64_t now_ns)
{
	bool is_full = q->topic_count == TOLL_NOTIFY_TOPICS;
	uint32_t at = is_full ? find_idle(q, now_ns) : q->topic_count;
	char *copy = at == NO_TOPIC ? NULL : strdup(subject);

	if (!copy)
		return NO_TOPIC;
	free(q->topics[at].subject);
	q->topics[at] = (struct toll_notify_topic){ .shadow = shadow,
		                                    .told = TOLL_EVENT_OTHER,
		                                    .subject = copy };
	q->hashes[at] = hash;
	q->topic_count += !is_full;
	return at;
}

static void pass_over(struct toll_notify_queue *q, struct toll_notify_topic *t)
{
	q->passed_over++;
	t->passed_over++;
}

static void drop_held(struct toll_notify_queue *q, struct toll_notify_topic *t)
{
	free(t->held);
	t->held = NULL;
	pass_over(q, t);
}

/* Once that is told, does it say what is held? */
static void settle(struct toll_notify_queue *q, struct toll_notify_topic *t)
{
	if (t->held && state_of(t->held->what) == t->told)
		drop_held(q, t);
}

static void hold(struct toll_notify_queue *q, struct toll_notify_topic *t,
                 const struct toll_budget_event *e, uint64_t now_ns)
{
	t->overtaken = false;
	if (t->held) {
		*t->held = *e;
		pass_over(q, t);
	} else {
		t->held = copy_of(e);
		t->held_since_ns = now_ns;
		q->dropped += !t->held;
	}
}

/* What nobody wants to be told makes what they were told, or will be, old: the next is news. */
static void overtake(struct toll_notify_topic *t, bool on_its_way, enum toll_event_what state)
{
	if (!t->held && !on_its_way)
		t->told = state;
	else if (!t->held || state_of(t->held->what) != state)
		t->overtaken = true;
}

static void put_state(struct toll_notify_queue *q, const struct toll_budget_event *e,
                      uint64_t now_ns)
{
	uint64_t hash = toll_hash(toll_slice_str(e->subject));
	uint32_t at = find(q, hash, is_shadow(e->what), e->subject);
	bool wanted = is_wanted(q, e->what), on_its_way;
	struct toll_notify_topic *t;

	if (at == NO_TOPIC && !wanted)
		return;
	if (at == NO_TOPIC)
		at = add(q, hash, is_shadow(e->what), e->subject, now_ns);
	if (at == NO_TOPIC) {
		q->dropped++;
		return;
	}
	t = &q->topics[at];
	on_its_way = q->flying && q->flying_topic == at;
	if (wanted)
		hold(q, t, e, now_ns);
	else
		overtake(t, on_its_way, state_of(e->what));
	if (!on_its_way)
		settle(q, t);
}

/* ---- what people do ---- */

static struct toll_budget_event *deed_at(const struct toll_notify_queue *q, uint32_t i)
{
	return &q->deeds[(q->deed_first + i) % TOLL_NOTIFY_DEEDS];
}

/* Full: the oldest goes. */
static void put_deed(struct toll_notify_queue *q, const struct toll_budget_event *e)
{
	if (!is_wanted(q, e->what))
		return;
	if (q->deed_count == TOLL_NOTIFY_DEEDS) {
		q->deed_first = (q->deed_first + 1) % TOLL_NOTIFY_DEEDS;
		q->deed_count--;
		q->dropped++;
	}
	*deed_at(q, q->deed_count++) = *e;
}

void toll_notify_queue_put(struct toll_notify_queue *q, const struct toll_budget_event *e,
                           uint64_t now_ns)
{
	if (!is_known(e->what))
		return;
	if (is_deed(e->what))
		put_deed(q, e);
	else
		put_state(q, e, now_ns);
}

/* ---- taking ---- */

static uint64_t due_of(const struct toll_notify_topic *t, bool hurry)
{
	return hurry || t->quiet_until_ns < t->held_since_ns ? t->held_since_ns : t->quiet_until_ns;
}

/* The one that is due first. */
static uint32_t find_due(const struct toll_notify_queue *q, bool hurry, uint64_t *ret_due_ns)
{
	uint32_t best = NO_TOPIC;

	*ret_due_ns = UINT64_MAX;
	for (uint32_t i = 0; i < q->topic_count; i++) {
		uint64_t due = due_of(&q->topics[i], hurry);

		if (q->topics[i].held && due < *ret_due_ns) {
			*ret_due_ns = due;
			best = i;
		}
	}
	return best;
}

uint64_t toll_notify_queue_due_ns(const struct toll_notify_queue *q, bool hurry)
{
	uint64_t due;

	if (q->deed_count)
		return 0;
	find_due(q, hurry, &due);
	return due;
}

static const struct toll_budget_event *take_deed(struct toll_notify_queue *q)
{
	q->flying = copy_of(deed_at(q, 0));
	if (!q->flying)
		return NULL;
	q->flying_topic = NO_TOPIC;
	q->flying_passed_over = 0;
	q->deed_first = (q->deed_first + 1) % TOLL_NOTIFY_DEEDS;
	q->deed_count--;
	return q->flying;
}

const struct toll_budget_event *toll_notify_queue_next(struct toll_notify_queue *q, uint64_t now_ns,
                                                       bool hurry)
{
	uint64_t due;
	uint32_t at;

	if (q->deed_count)
		return take_deed(q);
	at = find_due(q, hurry, &due);
	if (at == NO_TOPIC || due > now_ns)
		return NULL;
	q->flying = q->topics[at].held;
	q->flying_topic = at;
	q->flying_passed_over = q->topics[at].passed_over;
	q->topics[at].held = NULL;
	return q->flying;
}

/* ---- what became of it ---- */

static void land(struct toll_notify_queue *q)
{
	free(q->flying);
	q->flying = NULL;
}

void toll_notify_queue_told(struct toll_notify_queue *q, uint64_t now_ns)
{
	if (q->flying_topic != NO_TOPIC) {
		struct toll_notify_topic *t = &q->topics[q->flying_topic];

		t->told = t->overtaken && !t->held ? TOLL_EVENT_OTHER : state_of(q->flying->what);
		t->quiet_until_ns = now_ns + q->cooldown_ns;
		t->passed_over -= q->flying_passed_over;
		settle(q, t);
	}
	land(q);
}

void toll_notify_queue_again(struct toll_notify_queue *q)
{
	struct toll_notify_topic *t;

	if (q->flying_topic == NO_TOPIC) {
		if (q->deed_count < TOLL_NOTIFY_DEEDS) {
			q->deed_first = (q->deed_first + TOLL_NOTIFY_DEEDS - 1) % TOLL_NOTIFY_DEEDS;
			q->deed_count++;
			*deed_at(q, 0) = *q->flying;
		} else {
			q->dropped++;
		}
		land(q);
		return;
	}
	t = &q->topics[q->flying_topic];
	if (t->held) { /* newer */
		pass_over(q, t);
		land(q);
	} else {
		t->held = q->flying;
		q->flying = NULL;
	}
	settle(q, t);
}

void toll_notify_queue_lost(struct toll_notify_queue *q)
{
	if (q->flying_topic != NO_TOPIC)
		q->topics[q->flying_topic].told = TOLL_EVENT_OTHER;
	land(q);
}

uint32_t toll_notify_queue_waiting(const struct toll_notify_queue *q)
{
	uint32_t n = q->deed_count + (q->flying != NULL);

	for (uint32_t i = 0; i < q->topic_count; i++)
		n += q->topics[i].held != NULL;
	return n;
}
