/* SPDX-License-Identifier: Apache-2.0 */
/* probabilistic_sampler - keeps a share of the traces, the same ones in every process, and writes
 * into each kept span's tracestate how many it stands for. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "config/suggest.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "processors/probabilistic_sampler/threshold.h"
#include "proto/attr.h"
#include "proto/edit.h"
#include "proto/trace_state.h"

enum mode { PROPORTIONAL = 0, EQUALIZING, HASH_SEED, MODE_COUNT };

static const char *const modes[MODE_COUNT] = { "proportional", "equalizing", "hash_seed" };

/* What a decision was made by: label "policy". */
enum policy {
	TRACE_ID_W3C = 0,
	TRACE_ID_HASH,
	SAMPLING_RANDOMNESS,
	SAMPLING_PRIORITY,
	POLICY_COUNT
};

static const char *const policies[POLICY_COUNT] = { "trace_id_w3c", "trace_id_hash",
	                                            "sampling_randomness", "sampling_priority" };

struct sampler_config {
	double sampling_percentage;
	struct toll_slice mode;
	int64_t hash_seed, sampling_precision;
	bool fail_closed;
};

struct sampler {
	struct toll_processor super;
	enum mode mode;
	double probability;
	uint64_t threshold; /* EQUALIZING, HASH_SEED */
	int precision;
	uint32_t seed;
	bool fail_closed;
	atomic_uint_fast64_t counts[POLICY_COUNT][2]; /* [policy][sampled] */
	struct toll_metrics_source metrics;
	bool measured;
};

struct tally {
	uint64_t counts[POLICY_COUNT][2];
	const char *why; /* of the last span that could not be decided by its own */
};

static struct sampler *sampler_of(struct toll_component *c)
{
	return toll_container_of(c, struct sampler, super.super);
}

/* ---- sampling.priority ---- */

/* Above 0: must be kept; 0: must not; below 0: does not say. */
static double priority_of(const struct toll_span *s)
{
	const struct toll_attr *a = toll_node_find(&s->node, TOLL_KEY_SAMPLING_PRIORITY);
	struct toll_value v = { .type = TOLL_VALUE_NONE };
	char text[32], *end;
	double number;

	if (a)
		v = toll_value_decode(toll_attr_value(a));
	if (v.type == TOLL_VALUE_INT)
		return (double)v.integer;
	if (v.type == TOLL_VALUE_DOUBLE)
		return isnan(v.number) ? -1 : v.number;
	if (v.type != TOLL_VALUE_STRING || !v.bytes.len || v.bytes.len >= sizeof(text))
		return -1;
	memcpy(text, v.bytes.ptr, v.bytes.len);
	text[v.bytes.len] = '\0';
	number = strtod(text, &end);
	return *end || isnan(number) ? -1 : number;
}

/* ---- one span ---- */

/* Randomness and threshold of a span on its way; why: NULL, or what is wrong with it. */
struct decision {
	struct toll_trace_state state;
	bool is_well_formed;
	uint64_t random, threshold;
	enum policy policy;
	const char *why;
};

static void find_random(const struct sampler *m, const struct toll_span *s, struct decision *d)
{
	if (m->mode == HASH_SEED) {
		d->policy = TRACE_ID_HASH;
		d->random = toll_random_by_hash(s->trace_id, m->seed);
		if (d->state.has_random || d->state.has_threshold)
			d->why = "the tracestate has sampling values already: use the mode "
				 "proportional or equalizing";
		return;
	}
	d->policy = d->state.has_random ? SAMPLING_RANDOMNESS : TRACE_ID_W3C;
	d->random = d->state.has_random ? d->state.random : toll_random_of_trace(s->trace_id);
	if (d->state.has_threshold && d->random < d->state.threshold) {
		d->state.has_threshold = false;
		d->why = "the tracestate's threshold says that the span was not sampled";
	}
}

static uint64_t threshold_for(const struct sampler *m, const struct toll_trace_state *state)
{
	double before = 1;

	if (m->mode != PROPORTIONAL)
		return m->threshold;
	if (state->has_threshold)
		before = toll_threshold_probability(state->threshold);
	return toll_threshold_of(before * m->probability, m->precision);
}

static void decide(const struct sampler *m, const struct toll_span *s, struct decision *d)
{
	double priority = priority_of(s);

	*d = (struct decision){ .threshold = TOLL_SAMPLING_NEVER };
	d->is_well_formed = toll_trace_state_parse(s->trace_state, &d->state);
	if (!d->is_well_formed) {
		d->state = (struct toll_trace_state){ 0 };
		d->why = "the tracestate is malformed";
	}
	find_random(m, s, d);
	if (!d->why)
		d->threshold = threshold_for(m, &d->state);
	else if (!m->fail_closed)
		d->threshold = 0;
	if (priority >= 0) {
		d->threshold = priority > 0 ? 0 : TOLL_SAMPLING_NEVER;
		d->policy = SAMPLING_PRIORITY;
	}
}

/* A threshold never falls: what was thrown away before cannot be made up for. */
static int write_state(const struct sampler *m, struct toll_batch *b, struct toll_span *s,
                       struct decision *d)
{
	char out[TOLL_TRACE_STATE_MAX + TOLL_TRACE_STATE_MORE] TOLL_UNINITIALIZED;
	char *end;

	if (!d->is_well_formed)
		return 0;
	if (!d->state.has_threshold || d->state.threshold < d->threshold)
		d->state.threshold = d->threshold;
	d->state.has_threshold = true;
	if (m->mode == HASH_SEED && !d->why) {
		d->state.has_random = true;
		d->state.random = d->random;
	}
	end = toll_trace_state_write(s->trace_state, &d->state, out);
	return toll_span_set_trace_state(b, s, toll_slice(out, (size_t)(end - out)));
}

static int sample_span(const struct sampler *m, struct toll_batch *b, struct toll_span *s,
                       struct tally *t)
{
	struct decision d;
	bool sampled;

	decide(m, s, &d);
	sampled = d.random >= d.threshold;
	t->counts[d.policy][sampled]++;
	if (d.why)
		t->why = d.why;
	if (sampled)
		return write_state(m, b, s, &d);
	toll_span_drop(b, s, TOLL_DROP_FILTERED);
	return 0;
}

/* ---- a batch ---- */

static void count(struct sampler *m, const struct tally *t)
{
	for (int p = 0; p < POLICY_COUNT; p++)
		for (int sampled = 0; sampled < 2; sampled++)
			if (t->counts[p][sampled])
				atomic_fetch_add_explicit(&m->counts[p][sampled],
				                          t->counts[p][sampled],
				                          memory_order_relaxed);
	if (t->why)
		TOLL_WARN(m->super.super.who, "a span was %s: %s",
		          m->fail_closed ? "dropped (fail_closed)" : "kept", t->why);
}

static int process(struct toll_processor *p, struct toll_batch *b)
{
	struct sampler *m = toll_container_of(p, struct sampler, super);
	struct tally t = { 0 };
	int err = 0;

	/* Each kept span gets one edit, its tracestate once more and a little. */
	toll_batch_allow(b, b->wire.len + b->kept_count * (sizeof(struct toll_edit) +
	                                                   TOLL_TRACE_STATE_MORE + 16));
	for (uint32_t i = 0; i < b->span_count && !err; i++)
		if (!b->spans[i].dropped)
			err = sample_span(m, b, &b->spans[i], &t);
	if (!err)
		count(m, &t);
	return err;
}

static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	const struct sampler *m = toll_container_of(source, struct sampler, metrics);
	struct toll_label labels[] = { { "processor", toll_slice_str(m->super.super.id.text) },
		                       { "policy", { 0 } },
		                       { "sampled", { 0 } } };

	toll_metrics_family(w, "otelcol_processor_probabilistic_sampler_count_traces_sampled",
	                    TOLL_METRIC_COUNTER, "Spans that were sampled or not, by policy.");
	for (int p = 0; p < POLICY_COUNT; p++)
		for (int sampled = 0; sampled < 2; sampled++) {
			labels[1].value = toll_slice_str(policies[p]);
			labels[2].value = toll_slice_str(sampled ? "true" : "false");
			toll_metrics_sample(w, labels, TOLL_COUNT(labels),
			                    atomic_load(&m->counts[p][sampled]));
		}
}

/* ---- life ---- */

static int sampler_start(struct toll_component *c, struct toll_error *reterr TOLL_UNUSED)
{
	struct sampler *m = sampler_of(c);

	toll_host_metrics_add(c->host, &m->metrics);
	m->measured = true;
	return 0;
}

static void sampler_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct sampler *m = sampler_of(c);

	if (m->measured)
		toll_host_metrics_remove(c->host, &m->metrics);
	m->measured = false;
}

static void sampler_free(struct toll_component *c)
{
	free(sampler_of(c));
}

static const struct toll_component_ops ops = { .start = sampler_start,
	                                       .shutdown = sampler_shutdown,
	                                       .free = sampler_free };

static enum mode mode_of(const struct sampler_config *c)
{
	for (int i = 0; i < MODE_COUNT; i++)
		if (toll_slice_is(c->mode, modes[i]))
			return (enum mode)i;
	return c->hash_seed ? HASH_SEED : PROPORTIONAL;
}

/* The Collector holds a percentage in single precision. */
static double probability_of(const struct sampler_config *c)
{
	float percentage = (float)c->sampling_percentage;

	return percentage < 100 ? (double)percentage / 100 : 1;
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct sampler_config *c = config;
	struct sampler *m = calloc(1, sizeof(*m));

	if (!m)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&m->super.super, &ops, set);
	m->super.process = process;
	m->metrics.collect = collect;
	m->mode = mode_of(c);
	m->probability = probability_of(c);
	m->precision = (int)c->sampling_precision;
	m->seed = (uint32_t)c->hash_seed;
	m->fail_closed = c->fail_closed;
	m->threshold = m->mode == HASH_SEED
	                       ? toll_threshold_of_percentage((float)c->sampling_percentage)
	                       : toll_threshold_of(m->probability, m->precision);
	*ret = &m->super.super;
	return 0;
}

/* ---- settings ---- */

static void validate(const void *config, struct toll_reporter *r)
{
	const struct sampler_config *c = config;
	bool known = c->mode.len == 0;
	struct toll_suggest near;

	toll_suggest_init(&near, c->mode);
	for (int i = 0; i < MODE_COUNT; i++) {
		known |= toll_slice_is(c->mode, modes[i]);
		toll_suggest_offer(&near, modes[i]);
	}
	if (!known)
		toll_report_error(
			r, "mode",
			"\"%.*s\" must be one of proportional, equalizing, hash_seed%s%s%s",
			TOLL_FMT(c->mode), near.best ? "; did you mean \"" : "",
			near.best ? near.best : "", near.best ? "\"?" : "");
	if (c->sampling_percentage > 0 && probability_of(c) < 0x1p-56)
		toll_report_error(r, "sampling_percentage", "is too small: less than 2^-56");
}

/* clang-format off */
static const struct toll_field fields[] = {
	TOLL_FIELD(struct sampler_config, sampling_percentage, RATIO, NULL,
	           "Share of the traces that is kept, in percent; 100 and more: all, 0: none.",
	           .required = true, .min = 0, .max = -1),
	TOLL_FIELD(struct sampler_config, mode, STRING, NULL,
	           "proportional, equalizing or hash_seed; absent: hash_seed where a hash_seed is set, else proportional."),
	TOLL_FIELD(struct sampler_config, hash_seed, INT, "0",
	           "Of the mode hash_seed: equal in all processes that must decide alike.", .min = 0, .max = UINT32_MAX),
	TOLL_FIELD(struct sampler_config, fail_closed, BOOL, "true",
	           "Drop a span whose tracestate is malformed or contradicts itself; false: keep it."),
	TOLL_FIELD(struct sampler_config, sampling_precision, INT, "4",
	           "Hex digits of the threshold in tracestate.", .min = 1, .max = 14),
	TOLL_FIELD_LATER("attribute_source", "has no effect: it is for logs, spans have a trace id"),
	TOLL_FIELD_LATER("from_attribute", "has no effect: it is for logs, spans have a trace id"),
	TOLL_FIELD_LATER("sampling_priority", "has no effect: it is for logs; of spans the attribute sampling.priority counts"),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_processor_probabilistic_sampler = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "probabilistic_sampler",
	.help = "Keeps a share of the traces, by trace id.",
	.config_size = sizeof(struct sampler_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
