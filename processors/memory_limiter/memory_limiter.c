/* SPDX-License-Identifier: Apache-2.0 */
/* memory_limiter - the process's byte budget: hard for receivers, soft at the head of a pipeline.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "pipeline/process.h"
#include "pipeline/recent.h"

#define MIB ((size_t)1 << 20)

struct memory_limiter_config {
	uint64_t check_interval; /* ns */
	int64_t limit_mib, spike_limit_mib;
	int64_t limit_percentage, spike_limit_percentage;
};

struct memory_limiter {
	struct toll_processor super;
	const struct memory_limiter_config *config;
	struct toll_memory *memory;
	struct toll_memory_wish wish; /* for the hard limit */
	struct toll_timer *timer;
	size_t hard, soft;   /* bytes; data in flight: refused from soft on */
	atomic_bool pressed; /* the last check found the process or its cgroup too large */
};

/* Over the soft limit new data is refused while old data leaves. Resident memory alone refuses
 * nothing when hardly anything is in flight: then refusing could not make it smaller. */
static bool is_full(const struct memory_limiter *m)
{
	size_t used = atomic_load_explicit(&m->memory->used, memory_order_relaxed);

	return used > m->soft ||
	       (atomic_load_explicit(&m->pressed, memory_order_relaxed) && used > m->soft / 8);
}

/* What is only kept to be looked at refuses nobody. */
static int process(struct toll_processor *p, struct toll_batch *batch TOLL_UNUSED)
{
	const struct memory_limiter *m = toll_container_of(p, struct memory_limiter, super);

	if (toll_likely(!is_full(m)))
		return 0;
	toll_recent_forget(toll_host_recent(m->super.super.host));
	return is_full(m) ? TOLL_EFULL : 0;
}

/* Is the process over the soft limit, or its cgroup nearly at the end of its own? */
static bool is_pressed(const struct memory_limiter *m, size_t *ret_rss)
{
	size_t cgroup_used, cgroup_limit;

	*ret_rss = toll_process_rss();
	toll_process_cgroup(&cgroup_used, &cgroup_limit);
	return *ret_rss > m->soft || (cgroup_limit && cgroup_used > cgroup_limit / 10 * 9);
}

static void tell(struct memory_limiter *m, bool pressed, size_t rss)
{
	struct toll_component *c = &m->super.super;

	if (pressed)
		TOLL_WARN(c->who, "the process holds %zu MiB, over %zu MiB: clients are refused",
		          rss / MIB, m->soft / MIB);
	else
		TOLL_INFO(c->who, "the process holds %zu MiB again: clients are welcome",
		          rss / MIB);
	toll_host_set_health(c->host, c, pressed ? TOLL_HEALTH_DEGRADED : TOLL_HEALTH_OK,
	                     pressed ? "memory is short" : "");
}

static void check(void *ctx)
{
	struct memory_limiter *m = ctx;
	size_t rss;
	bool pressed = is_pressed(m, &rss);

	if (pressed) {
		malloc_trim(0); /* what was freed may still be resident */
		pressed = is_pressed(m, &rss);
	}
	if (pressed != atomic_exchange(&m->pressed, pressed))
		tell(m, pressed, rss);
}

static size_t bytes_of(int64_t mib, int64_t percentage, size_t total)
{
	if (mib)
		return (size_t)mib * MIB;
	return percentage ? total / 100 * (size_t)percentage : 0;
}

static int limiter_start(struct toll_component *c, struct toll_error *reterr)
{
	struct memory_limiter *m = toll_container_of(c, struct memory_limiter, super.super);

	/* With several limiters the last one started decides the hard limit; each keeps its soft
	 * one. */
	toll_host_memory_limit(c->host, &m->wish, m->hard);
	m->timer = toll_host_timer(c->host, m->config->check_interval, m->config->check_interval,
	                           check, m);
	if (!m->timer)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", c->who);
	TOLL_INFO(c->who, "data in flight is limited to %zu MiB, refused from %zu MiB on",
	          m->hard / MIB, m->soft / MIB);
	return 0;
}

static void limiter_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct memory_limiter *m = toll_container_of(c, struct memory_limiter, super.super);

	toll_host_timer_stop(m->timer);
	m->timer = NULL;
	toll_host_memory_limit(c->host, &m->wish, 0);
}

static void limiter_free(struct toll_component *c)
{
	free(toll_container_of(c, struct memory_limiter, super.super));
}

static const struct toll_component_ops limiter_ops = { limiter_start, limiter_shutdown,
	                                               limiter_free };

static int limiter_create(const struct toll_settings *set, const void *config,
                          struct toll_component **ret, struct toll_error *reterr)
{
	const struct memory_limiter_config *conf = config;
	struct memory_limiter *m = calloc(1, sizeof(*m));
	size_t total = toll_process_memory_total(), spike;

	if (!m)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&m->super.super, &limiter_ops, set);
	m->super.process = process;
	m->config = conf;
	m->memory = toll_host_memory(set->host);
	m->hard = bytes_of(conf->limit_mib, conf->limit_percentage, total);
	spike = bytes_of(conf->spike_limit_mib, conf->spike_limit_percentage, total);
	m->soft = m->hard - (spike && spike < m->hard ? spike : m->hard / 5);
	*ret = &m->super.super;
	return 0;
}

static void limiter_validate(const void *config, struct toll_reporter *r)
{
	const struct memory_limiter_config *c = config;

	if (!c->check_interval)
		toll_report_error(r, "check_interval", "must be more than 0; 1s is a good value");
	if (!c->limit_mib && !c->limit_percentage)
		toll_report_error(r, "limit_mib", "or limit_percentage must be set");
	if (c->limit_mib && c->spike_limit_mib >= c->limit_mib)
		toll_report_error(r, "spike_limit_mib", "must be smaller than limit_mib");
	if (!c->limit_mib && c->limit_percentage &&
	    c->spike_limit_percentage >= c->limit_percentage)
		toll_report_error(r, "spike_limit_percentage",
		                  "must be smaller than limit_percentage");
}

static const struct toll_field limiter_fields[] = {
	TOLL_FIELD(struct memory_limiter_config, check_interval, DURATION, "0s",
	           "How often resident memory is measured; must be set, 1s is a good value."),
	TOLL_FIELD(struct memory_limiter_config, limit_mib, INT, "0",
	           "Hard limit of the bytes in flight, in MiB.", .max = 1 << 30),
	TOLL_FIELD(struct memory_limiter_config, spike_limit_mib, INT, "0",
	           "Refusal begins so far below the limit; 0: 20 % of it.", .max = 1 << 30),
	TOLL_FIELD(struct memory_limiter_config, limit_percentage, INT, "0",
	           "The limit as a share of the memory of the cgroup or machine.", .max = 100),
	TOLL_FIELD(struct memory_limiter_config, spike_limit_percentage, INT, "0",
	           "The same for the spike; 0: 20 % of the limit.", .max = 100),
	TOLL_FIELD_LATER("min_gc_interval_when_soft_limited",
	                 "there is no garbage to collect: ignored"),
	TOLL_FIELD_LATER("min_gc_interval_when_hard_limited",
	                 "there is no garbage to collect: ignored"),
	TOLL_FIELD_END,
};

const struct toll_factory toll_processor_memory_limiter = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "memory_limiter",
	.help = "Bounds the memory of data in flight; refuses clients before it runs out.",
	.config_size = sizeof(struct memory_limiter_config),
	.fields = limiter_fields,
	.validate = limiter_validate,
	.create = limiter_create,
};
