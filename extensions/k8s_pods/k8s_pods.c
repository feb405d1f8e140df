/* SPDX-License-Identifier: Apache-2.0 */
/* k8s_pods - keeps a table of the cluster's pods for a processor k8sattributes, which brings it
 * along: no file can name it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "extensions/k8s_pods/api.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

#define FIRST_RETRY_NS TOLL_S
#define LAST_RETRY_NS  (60 * TOLL_S)
#define SHORT_NS       TOLL_S /* a watch that ends sooner has not worked */

/* Why a list or a watch failed; the last stands for all others. */
static const struct {
	int err;
	const char *reason;
} failures[] = {
	{ TOLL_EDENIED, "denied" },   { TOLL_EDOWN, "unreachable" },   { TOLL_ETIMEOUT, "timeout" },
	{ TOLL_EREFUSED, "refused" }, { TOLL_EINVALID, "unreadable" }, { 0, "other" },
};

struct k8s_pods {
	struct toll_extension super;
	const struct toll_k8s_settings *config;
	struct toll_pod_source source;
	struct toll_metrics_source metrics;
	bool published, measured;
	_Atomic uint64_t events[TOLL_K8S_DELETED + 1], failed[TOLL_COUNT(failures)], size, refused;

	bool running;
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t lock; /* for wake */
	pthread_cond_t wake;  /* stop was set */

	/* The thread's own. */
	struct toll_k8s_api api;
	struct toll_pod_store store;
	uint32_t failed_in_row;
	struct toll_error why; /* of the last failure */
	bool told;
};

/* ---- the thread ---- */

/* What is published stays when there is no memory for a new table. */
static void publish(struct k8s_pods *k)
{
	struct toll_pods *table = toll_pods_of(&k->store);

	atomic_store(&k->size, k->store.count);
	atomic_store(&k->refused, k->store.refused);
	if (table)
		toll_snapshot_set(&k->source.current, &table->shared);
}

static void on_change(void *ctx, enum toll_k8s_event what)
{
	struct k8s_pods *k = ctx;

	atomic_fetch_add_explicit(&k->events[what], 1, memory_order_relaxed);
	publish(k);
}

static void all_well(struct k8s_pods *k)
{
	const struct toll_component *c = &k->super.super;

	if (!k->told || k->failed_in_row)
		TOLL_INFO(c->who, "pods are known count=%u", k->store.count);
	if (k->store.refused)
		TOLL_WARN(c->who, "%llu pods are over max_pods and stay unknown: set filter::node",
		          (unsigned long long)k->store.refused);
	k->told = true;
	toll_host_set_health(c->host, c, TOLL_HEALTH_OK, "pods are known");
}

static void count_failure(struct k8s_pods *k, int err)
{
	size_t i = 0;

	while (i + 1 < TOLL_COUNT(failures) && failures[i].err != err)
		i++;
	atomic_fetch_add_explicit(&k->failed[i], 1, memory_order_relaxed);
}

static void failed(struct k8s_pods *k, int err, const char *why)
{
	const struct toll_component *c = &k->super.super;

	if (err == TOLL_ESHUTDOWN)
		return;
	count_failure(k, err);
	if (k->failed_in_row++ == 0 || strcmp(why, k->why.text) != 0)
		TOLL_WARN(c->who, "%s: %s", k->told ? "keeps the pods it knows" : "no pods yet",
		          why);
	(void)toll_fail(&k->why, err, "%s", why);
	toll_host_set_health(c->host, c, TOLL_HEALTH_DEGRADED, why);
}

/* A second, then ever longer, a tenth left to chance: a fleet must not ask all at once. */
static void pause_after_failure(struct k8s_pods *k)
{
	uint32_t doublings = k->failed_in_row ? k->failed_in_row - 1 : 0;
	uint64_t now = toll_clock_mono_ns();
	uint64_t wait = doublings < 6 ? FIRST_RETRY_NS << doublings : LAST_RETRY_NS;
	int err = 0;

	wait -= toll_hash(toll_slice(&now, sizeof(now))) % (wait / 10);
	pthread_mutex_lock(&k->lock);
	while (!err && !atomic_load(&k->stop))
		err = toll_cond_wait_until(&k->wake, &k->lock, now + wait);
	pthread_mutex_unlock(&k->lock);
}

/* A server that lists but does not let watch must not be asked for lists all the time, nor one
 * whose watches end at once for watches. */
static int watch(struct k8s_pods *k, struct toll_error *why)
{
	uint64_t begin = toll_clock_mono_ns();
	int err = toll_k8s_watch(&k->api, &k->store, on_change, k, why);

	if (toll_clock_mono_ns() - begin >= SHORT_NS) {
		k->failed_in_row = 0;
	} else if (!err) {
		k->failed_in_row++;
		pause_after_failure(k);
	}
	return err;
}

/* One list and the watches that follow it; returns when a new list is needed. */
static void follow(struct k8s_pods *k)
{
	struct toll_error why = { 0 };
	int err = toll_k8s_list(&k->api, &k->store, &why);

	if (!err) {
		publish(k);
		all_well(k);
	}
	while (!err && !atomic_load(&k->stop))
		err = watch(k, &why);
	if (err)
		failed(k, err, why.text);
}

static void *run(void *arg)
{
	struct k8s_pods *k = arg;

	while (!atomic_load(&k->stop)) {
		follow(k);
		if (!atomic_load(&k->stop))
			pause_after_failure(k);
	}
	return NULL;
}

/* ---- metrics ---- */

static void one(struct toll_metrics_writer *w, const struct toll_label *label, const char *name,
                enum toll_metric_type type, const char *help, uint64_t value)
{
	toll_metrics_family(w, name, type, help);
	toll_metrics_sample(w, label, 1, value);
}

/* The Collector's names, where it has one. */
static void collect(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct k8s_pods *k = toll_container_of(source, struct k8s_pods, metrics);
	const struct toll_label id = { "extension", toll_slice_str(k->super.super.id.text) };

	one(w, &id, "otelcol_otelsvc_k8s_pod_table_size", TOLL_METRIC_GAUGE, "Pods that are known.",
	    atomic_load(&k->size));
	one(w, &id, "otelcol_otelsvc_k8s_pod_added", TOLL_METRIC_COUNTER,
	    "Pods added since the last list.", atomic_load(&k->events[TOLL_K8S_ADDED]));
	one(w, &id, "otelcol_otelsvc_k8s_pod_updated", TOLL_METRIC_COUNTER, "Pods that changed.",
	    atomic_load(&k->events[TOLL_K8S_MODIFIED]));
	one(w, &id, "otelcol_otelsvc_k8s_pod_deleted", TOLL_METRIC_COUNTER, "Pods that went.",
	    atomic_load(&k->events[TOLL_K8S_DELETED]));
	one(w, &id, "otelcol_otelsvc_k8s_ip_lookup_miss", TOLL_METRIC_COUNTER,
	    "Resources of no known pod.", atomic_load(&k->source.misses));
	one(w, &id, "spantoll_k8s_pods_refused", TOLL_METRIC_COUNTER, "Pods over max_pods.",
	    atomic_load(&k->refused));
	toll_metrics_family(w, "spantoll_k8s_api_failures", TOLL_METRIC_COUNTER,
	                    "Lists and watches that failed.");
	for (size_t i = 0; i < TOLL_COUNT(failures); i++) {
		const struct toll_label labels[] = {
			id, { "reason", toll_slice_str(failures[i].reason) }
		};

		toll_metrics_sample(w, labels, TOLL_COUNT(labels), atomic_load(&k->failed[i]));
	}
}

/* ---- life ---- */

static struct k8s_pods *k8s_of(struct toll_component *c)
{
	return toll_container_of(c, struct k8s_pods, super.super);
}

static int start(struct toll_component *c, struct toll_error *reterr)
{
	struct k8s_pods *k = k8s_of(c);
	int err = toll_host_publish(c->host, "k8s_pods", c->id.text, &k->source);

	if (err)
		return toll_fail(reterr, err, "%s: out of memory", c->who);
	k->published = true;
	toll_host_metrics_add(c->host, &k->metrics);
	k->measured = true;
	err = toll_thread_start(&k->thread, "toll-k8s", run, k);
	if (err)
		return toll_fail(reterr, err, "%s: no thread: %s", c->who, toll_err_text(err));
	k->running = true;
	return 0;
}

/* A request that runs is given up within about a second. */
static void stop_thread(struct k8s_pods *k)
{
	if (!k->running)
		return;
	pthread_mutex_lock(&k->lock);
	atomic_store(&k->stop, true);
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	k->running = false;
}

static void stop(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct k8s_pods *k = k8s_of(c);

	stop_thread(k);
	if (k->measured)
		toll_host_metrics_remove(c->host, &k->metrics);
	if (k->published)
		toll_host_withdraw(c->host, &k->source);
	k->measured = k->published = false;
}

static void destroy(struct toll_component *c)
{
	struct k8s_pods *k = k8s_of(c);

	stop(c, 0);
	toll_snapshot_set(&k->source.current, NULL);
	toll_pod_store_release(&k->store);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static const struct toll_component_ops ops = { start, stop, destroy };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct k8s_pods *k = calloc(1, sizeof(*k));

	if (!k)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&k->super.super, &ops, set);
	k->config = config;
	k->source.current = (struct toll_snapshot)TOLL_SNAPSHOT_INIT;
	k->metrics.collect = collect;
	k->api = (struct toll_k8s_api){ .settings = k->config, .abort = &k->stop };
	pthread_mutex_init(&k->lock, NULL);
	if (toll_cond_init(&k->wake) < 0 ||
	    toll_pod_store_init(&k->store, (uint32_t)k->config->max_pods) < 0) {
		free(k);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	*ret = &k->super.super;
	return 0;
}

/* Alone: processors/k8sattributes brings its own. */
struct k8s_pods_config {
	struct toll_k8s_settings k8s;
};

static const struct toll_field fields[] = {
	TOLL_K8S_FIELDS(struct k8s_pods_config, k8s),
	TOLL_FIELD_END,
};

const struct toll_factory toll_extension_k8s_pods = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_BETA,
	.type = "k8s_pods",
	.help = "Knows the pods of a cluster for processor k8sattributes.",
	.internal = true,
	.config_size = sizeof(struct k8s_pods_config),
	.fields = fields,
	.create = create,
};
