/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/live.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define HOUR_S 3600

const char *toll_live_state_name(enum toll_live_state s)
{
	static const char *const names[] = { "ok", "unpriced", "over", "shadow", "THROTTLED" };

	return names[s];
}

struct toll_live *toll_live_new(void)
{
	return calloc(1, sizeof(struct toll_live));
}

struct toll_live *toll_live_free(struct toll_live *l)
{
	free(l);
	return NULL;
}

void toll_live_event(struct toll_live *l, const char *fmt, ...)
{
	struct toll_live_event *e = &l->events[l->event_count++ % TOLL_LIVE_EVENTS];
	va_list args;

	e->wall_ns = toll_clock_wall_ns();
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	for (char *c = e->text; *c; c++) /* names come from the wire, the text goes to a terminal */
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
}

/* The table is small and this runs once a second: a search is cheap enough. */
static struct toll_live_row *row_of(struct toll_live *l, struct toll_slice service)
{
	struct toll_live_row *r;
	size_t len = service.len;

	if (len > sizeof(r->service) - 1)
		len = sizeof(r->service) - 1;
	for (uint32_t i = 0; i < l->row_count; i++)
		if (toll_slice_is(toll_slice(service.ptr, len), l->rows[i].service))
			return &l->rows[i];
	if (l->row_count == TOLL_LIVE_SERVICES)
		return NULL;
	r = &l->rows[l->row_count++];
	*r = (struct toll_live_row){ 0 };
	if (len)
		memcpy(r->service, service.ptr, len);
	return r;
}

static enum toll_live_state state_of(const struct toll_spend_row *s)
{
	if (s->throttled)
		return TOLL_LIVE_THROTTLED;
	if (s->shadow)
		return TOLL_LIVE_SHADOW;
	if (s->limit_pico > 0 && s->rolling_pico > s->limit_pico)
		return TOLL_LIVE_OVER;
	return s->spans && s->unpriced == s->spans ? TOLL_LIVE_UNPRICED : TOLL_LIVE_OK;
}

static void tell_change(struct toll_live *l, const struct toll_live_row *r,
                        enum toll_live_state before)
{
	double limit = (double)r->limit_pico / (double)TOLL_PICO_PER_USD;

	if (r->state == TOLL_LIVE_THROTTLED && before != TOLL_LIVE_THROTTLED) {
		l->throttles++;
		toll_live_event(l, "%s THROTTLED: average $%.2f is over its budget of $%.2f",
		                r->service, r->ema_usd, limit);
	} else if (before == TOLL_LIVE_THROTTLED && r->state != TOLL_LIVE_THROTTLED) {
		l->releases++;
		toll_live_event(l, "%s released: average is down to $%.2f", r->service, r->ema_usd);
	} else if (r->state == TOLL_LIVE_SHADOW && before != TOLL_LIVE_SHADOW) {
		toll_live_event(l, "%s would be throttled, were its budget enforced", r->service);
	}
}

static void add_sample(struct toll_live_row *r, uint64_t mono_ns)
{
	const struct toll_live_sample now = { mono_ns, r->total_pico, r->spans };
	const struct toll_live_sample *then;
	uint32_t oldest;
	uint64_t ms;

	r->samples[r->sample_count++ % TOLL_LIVE_SAMPLES] = now;
	oldest = r->sample_count > TOLL_LIVE_SAMPLES ? r->sample_count - TOLL_LIVE_SAMPLES : 0;
	then = &r->samples[oldest % TOLL_LIVE_SAMPLES];
	ms = (mono_ns - then->mono_ns) / TOLL_MS;
	if (ms == 0)
		return;
	r->per_hour_pico = (now.total_pico - then->total_pico) * HOUR_S * 1000 / (toll_i128)ms;
	r->spans_per_s = (double)(now.spans - then->spans) * 1000.0 / (double)ms;
}

struct sampling {
	struct toll_live *live;
	uint64_t mono_ns;
};

static void fold_row(void *ctx, const struct toll_spend_row *s)
{
	const struct sampling *now = ctx;
	struct toll_live *l = now->live;
	struct toll_live_row *r;
	enum toll_live_state before;

	if (!s->service.len)
		return; /* other subjects' money is that of services */
	r = row_of(l, s->service);
	l->total.rolling_pico += s->rolling_pico;
	l->total.total_pico += s->total_pico;
	l->total.spans += s->spans;
	l->total.unpriced += s->unpriced;
	if (!r) {
		l->hidden++;
		return;
	}
	before = r->state;
	r->state = state_of(s);
	r->rolling_pico = s->rolling_pico;
	r->total_pico = s->total_pico;
	r->limit_pico = s->limit_pico;
	r->ema_usd = s->ema_usd;
	r->window_ns = s->window_ns;
	r->spans = s->spans;
	r->unpriced = s->unpriced;
	add_sample(r, now->mono_ns);
	tell_change(l, r, before);
}

/* What has cost most comes first: that order hardly ever changes, so rows do not jump. */
static int by_total(const void *a, const void *b)
{
	const struct toll_live_row *x = a, *y = b;

	if (x->total_pico != y->total_pico)
		return x->total_pico < y->total_pico ? 1 : -1;
	return strcmp(x->service, y->service);
}

void toll_live_sample(struct toll_live *l, struct toll_spend_source *source, uint64_t mono_ns)
{
	struct sampling now = { l, mono_ns };

	if (!l->first_mono_ns)
		l->first_mono_ns = mono_ns;
	l->now_mono_ns = mono_ns;
	l->hidden = 0;
	l->total.rolling_pico = l->total.total_pico = 0;
	l->total.spans = l->total.unpriced = 0;
	source->each(source, fold_row, &now);
	add_sample(&l->total, mono_ns);
	qsort(l->rows, l->row_count, sizeof(l->rows[0]), by_total);
}
