/* SPDX-License-Identifier: Apache-2.0 */
/* filter - drops spans that a condition holds for. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "proto/batch.h"
#include "transform/match.h"
#include "transform/ottl.h"
#include "transform/regex.h"

enum error_mode { PROPAGATE = 0, IGNORE, SILENT };

enum { PATH_TEXT = 64 };

struct filter_config {
	int error_mode;
	struct {
		struct toll_slice_list resource, span;
	} traces;
	struct toll_slice_list trace_conditions;
	struct toll_match_settings spans;
};

struct filter {
	struct toll_processor super;
	enum error_mode error_mode;
	struct toll_ottl **conditions;
	size_t count;
	struct toll_match *match; /* NULL: no old include and exclude */
	atomic_uint_fast64_t filtered, errors;
	struct toll_metrics_source metrics;
	bool measured;
};

static struct filter *filter_of(struct toll_component *c)
{
	return toll_container_of(c, struct filter, super.super);
}

/* ---- at work ---- */

/* What one batch adds to the counters. */
struct tally {
	uint64_t filtered, errors;
	const char *why; /* of the last error */
};

/* Does one of the conditions hold? 0 or 1, or an error that refuses the batch. */
static int should_drop(const struct filter *f, const struct toll_batch *b,
                       const struct toll_span *s, struct tally *t)
{
	for (size_t i = 0; i < f->count; i++) {
		enum toll_ottl_result result = toll_ottl_eval(f->conditions[i], b, s, &t->why);

		if (result == TOLL_OTTL_TRUE)
			return 1;
		if (result == TOLL_OTTL_FALSE)
			continue;
		t->errors++;
		if (f->error_mode == PROPAGATE)
			return TOLL_EINVALID;
	}
	return 0;
}

static int filter_spans(const struct filter *f, struct toll_batch *b, struct tally *t)
{
	struct toll_match_memo memo = { 0 };

	for (uint32_t i = 0; i < b->span_count; i++) {
		struct toll_span *s = &b->spans[i];
		int drop;

		if (s->dropped)
			continue;
		drop = f->match && !toll_match_span(f->match, b, s, &memo);
		if (!drop)
			drop = should_drop(f, b, s, t);
		if (drop < 0)
			return drop;
		if (!drop)
			continue;
		toll_span_drop(b, s, TOLL_DROP_FILTERED);
		t->filtered++;
	}
	return 0;
}

static int process(struct toll_processor *p, struct toll_batch *b)
{
	struct filter *f = toll_container_of(p, struct filter, super);
	uint64_t given_up = toll_regex_given_up();
	struct tally t = { 0 };
	int err = filter_spans(f, b, &t);

	if (!err)
		atomic_fetch_add_explicit(&f->filtered, t.filtered, memory_order_relaxed);
	if (t.errors && f->error_mode != SILENT)
		TOLL_WARN(p->super.who, "a condition could not be evaluated: %s%s", t.why,
		          err ? "; the request is refused (error_mode: propagate)" : "");
	if (t.errors)
		atomic_fetch_add_explicit(&f->errors, t.errors, memory_order_relaxed);
	toll_stat_add(p->super.stats, TOLL_STAT_PROCESSOR_GIVEN_UP_MATCHES,
	              toll_regex_given_up() - given_up);
	return err;
}

static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	const struct filter *f = toll_container_of(source, struct filter, metrics);
	const struct toll_label label = { "filter", toll_slice_str(f->super.super.id.text) };

	toll_metrics_family(w, "otelcol_processor_filter_spans_filtered", TOLL_METRIC_COUNTER,
	                    "Spans that the filter processor dropped.");
	toll_metrics_sample(w, &label, 1, atomic_load(&f->filtered));
	toll_metrics_family(w, "spantoll_processor_filter_condition_errors", TOLL_METRIC_COUNTER,
	                    "Conditions that could not be evaluated on a span.");
	toll_metrics_sample(w, &label, 1, atomic_load(&f->errors));
}

/* ---- life ---- */

static int filter_start(struct toll_component *c, struct toll_error *reterr TOLL_UNUSED)
{
	struct filter *f = filter_of(c);

	toll_host_metrics_add(c->host, &f->metrics);
	f->measured = true;
	return 0;
}

static void filter_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct filter *f = filter_of(c);

	if (f->measured)
		toll_host_metrics_remove(c->host, &f->metrics);
	f->measured = false;
}

static void filter_free(struct toll_component *c)
{
	struct filter *f = filter_of(c);

	for (size_t i = 0; i < f->count; i++)
		toll_ottl_free(f->conditions[i]);
	free(f->conditions);
	toll_match_free(f->match);
	free(f);
}

static const struct toll_component_ops ops = { .start = filter_start,
	                                       .shutdown = filter_shutdown,
	                                       .free = filter_free };

static int compile(struct filter *f, const struct toll_slice_list *list,
                   enum toll_ottl_context context, struct toll_error *reterr)
{
	int err = 0;

	for (size_t i = 0; i < list->count && !err; i++) {
		err = toll_ottl_new(list->at[i], context, &f->conditions[f->count], reterr);
		f->count += !err;
	}
	return err;
}

/* Resources first: their conditions decide for all of their spans. */
static int compile_all(struct filter *f, const struct filter_config *c, struct toll_error *reterr)
{
	size_t most = c->traces.resource.count + c->traces.span.count + c->trace_conditions.count;
	int err;

	f->conditions = calloc(most + 1, sizeof(struct toll_ottl *));
	if (!f->conditions)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	err = compile(f, &c->traces.resource, TOLL_OTTL_RESOURCE, reterr);
	if (!err)
		err = compile(f, &c->traces.span, TOLL_OTTL_SPAN, reterr);
	if (!err)
		err = compile(f, &c->trace_conditions, TOLL_OTTL_NONE, reterr);
	if (!err && (c->spans.has_include || c->spans.has_exclude))
		err = toll_match_new(&c->spans, &f->match, reterr);
	return err;
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct filter_config *c = config;
	struct filter *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&f->super.super, &ops, set);
	f->super.process = process;
	f->metrics.collect = collect;
	f->error_mode = (enum error_mode)c->error_mode;
	err = compile_all(f, c, reterr);
	if (err) {
		filter_free(&f->super.super);
		return err;
	}
	*ret = &f->super.super;
	return 0;
}

/* ---- settings ---- */

static void check(const struct toll_slice_list *list, const char *name,
                  enum toll_ottl_context context, struct toll_reporter *r)
{
	for (size_t i = 0; i < list->count; i++) {
		struct toll_ottl *o = NULL;
		struct toll_error why = { 0 };
		char path[PATH_TEXT];

		snprintf(path, sizeof(path), "%s::%zu", name, i);
		if (toll_ottl_new(list->at[i], context, &o, &why) < 0)
			toll_report_error(r, path, "%s", why.text);
		toll_ottl_free(o);
	}
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct filter_config *c = config;
	bool given = c->traces.resource.count || c->traces.span.count ||
	             c->trace_conditions.count || c->spans.has_include || c->spans.has_exclude;

	if (!given)
		toll_report_error(r, "", "has no condition: set traces::span or trace_conditions");
	check(&c->traces.resource, "traces::resource", TOLL_OTTL_RESOURCE, r);
	check(&c->traces.span, "traces::span", TOLL_OTTL_SPAN, r);
	check(&c->trace_conditions, "trace_conditions", TOLL_OTTL_NONE, r);
	toll_match_validate(&c->spans, "spans::", r);
}

static const char *const error_modes[] = { "propagate", "ignore", "silent", NULL };

/* clang-format off */
static const struct toll_field traces_fields[] = {
	TOLL_FIELD_AS("resource", struct filter_config, traces.resource, LIST, NULL,
	              "Conditions on a resource: all of its spans are dropped where one holds."),
	TOLL_FIELD_AS("span", struct filter_config, traces.span, LIST, NULL,
	              "Conditions on a span: it is dropped where one holds."),
	TOLL_FIELD_REFUSED("spanevent", "is not supported: the events of a span stay as they are"),
	TOLL_FIELD_END,
};

static const struct toll_field spans_fields[] = {
	TOLL_MATCH_FIELDS(struct filter_config, spans),
	TOLL_FIELD_END,
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct filter_config, error_mode, ENUM, "propagate",
	           "Where a condition cannot be evaluated: refuse the request, or go on to the next condition.",
	           .choices = error_modes),
	{ .name = "traces", .type = TOLL_FIELD_GROUP, .help = "Conditions by what they are about.",
	  .group = traces_fields },
	TOLL_FIELD(struct filter_config, trace_conditions, LIST, NULL,
	           "Conditions whose paths say what they are about: span.name, resource.attributes[\"k\"]."),
	{ .name = "spans", .type = TOLL_FIELD_GROUP, .group = spans_fields,
	  .help = "The older form: spans that are not included, or are excluded, are dropped." },
	TOLL_FIELD_LATER("metrics", "has no effect: here are spans only"),
	TOLL_FIELD_LATER("logs", "has no effect: here are spans only"),
	TOLL_FIELD_LATER("profiles", "has no effect: here are spans only"),
	TOLL_FIELD_LATER("metric_conditions", "has no effect: here are spans only"),
	TOLL_FIELD_LATER("log_conditions", "has no effect: here are spans only"),
	TOLL_FIELD_LATER("profile_conditions", "has no effect: here are spans only"),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_processor_filter = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "filter",
	.help = "Drops the spans that a condition (OTTL) holds for.",
	.config_size = sizeof(struct filter_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
