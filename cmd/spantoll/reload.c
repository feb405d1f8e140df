/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "cmd/spantoll/log_settings.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/watch.h"
#include "pipeline/generations.h"
#include "pipeline/host.h"

#define WHO "spantoll"

struct toll_reload {
	struct toll_host *host;
	struct toll_generations *generations;
	const struct toll_config_source *source;
	struct toll_config_watch *watch; /* NULL: only when asked */
	struct toll_metrics_source metrics;
	_Atomic uint64_t successes, failures;
	atomic_bool last_failed;
	bool waits; /* for a graph to retire */
};

/* ---- what is shown ---- */

/* Of the whole configuration as it is printed: the same on all daemons that run the same. Secrets
 * are not in it. */
static uint64_t hash_of(const struct toll_config *config)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	uint64_t hash = 0;

	if (!out)
		return 0;
	if (toll_config_print(config, NULL, out) == 0 && fflush(out) == 0)
		hash = toll_hash(toll_slice(text, len));
	fclose(out);
	free(text);
	return hash;
}

static void write_metrics(struct toll_metrics_source *source, struct toll_metrics_writer *w)
{
	struct toll_reload *r = toll_container_of(source, struct toll_reload, metrics);
	struct toll_label outcome = { "outcome", TOLL_SLICE("success") };

	toll_metrics_family(w, "spantoll_config_reloads", TOLL_METRIC_COUNTER,
	                    "Attempts to take over a changed configuration.");
	toll_metrics_sample(w, &outcome, 1, atomic_load(&r->successes));
	outcome.value = TOLL_SLICE("failure");
	toll_metrics_sample(w, &outcome, 1, atomic_load(&r->failures));
	toll_metrics_family(w, "spantoll_config_last_reload_successful", TOLL_METRIC_GAUGE,
	                    "0: the last attempt failed, the configuration before it runs on.");
	toll_metrics_sample(w, NULL, 0, !atomic_load(&r->last_failed));
	toll_host_config_write(r->host, w);
}

static void show_config(struct toll_reload *r, const struct toll_config *config)
{
	toll_log_settings_follow(&config->telemetry);
	toll_host_config_set(r->host, hash_of(config));
}

/* ---- one attempt ---- */

static void succeeded(struct toll_reload *r, const struct toll_config *config,
                      const struct toll_generations_report *report)
{
	show_config(r, config);
	atomic_store(&r->last_failed, false);
	atomic_fetch_add(&r->successes, 1); /* last: who waits for it looks at the others then */
	if (report->names[0])
		TOLL_INFO(WHO,
		          "the configuration is reloaded: %u components go on, %u new, %u changed, "
		          "%u gone:%s",
		          report->kept, report->added, report->changed, report->removed,
		          report->names);
	else
		TOLL_INFO(WHO, "the configuration is reloaded: %u components go on, nothing is new",
		          report->kept);
}

static void failed(struct toll_reload *r, const char *why)
{
	toll_host_config_problem(r->host, why);
	atomic_store(&r->last_failed, true);
	atomic_fetch_add(&r->failures, 1);
	TOLL_FAULT(WHO, "the configuration is not reloaded, the one before runs on: %s", why);
}

/* All of them to the log; the first one is the reason. */
static void tell_findings(struct toll_reload *r, const struct toll_findings *findings)
{
	char first[256] = "out of memory";
	bool any = false;

	for (size_t i = 0; i < findings->count; i++) {
		const struct toll_finding *f = &findings->at[i];
		char text[256];

		if (f->severity != TOLL_FINDING_ERROR)
			continue;
		snprintf(text, sizeof(text), "%s:%u:%u: %s%s%s", f->file, f->line, f->column,
		         f->path, *f->path ? ": " : "", f->text);
		if (any)
			TOLL_FAULT(WHO, "%s", text);
		else
			memcpy(first, text, sizeof(first));
		any = true;
	}
	failed(r, first);
}

static void take_over(struct toll_reload *r, struct toll_config *config)
{
	struct toll_generations_report report;
	struct toll_error why = { 0 };
	int err = toll_generations_reload(r->generations, config, &report, &why);

	toll_config_watch_follow(r->watch, config);
	if (err)
		failed(r, why.text);
	else
		succeeded(r, config, &report);
}

void toll_reload_now(struct toll_reload *r)
{
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;

	r->waits = toll_generations_retiring(r->generations) >= TOLL_GENERATIONS_MAX;
	if (r->waits) {
		TOLL_WARN(WHO, "the reload waits: %d configurations before it are still retiring",
		          TOLL_GENERATIONS_MAX);
		return;
	}
	toll_config_watch_note(r->watch);
	if (toll_setup_load(r->source, &config, &findings) < 0)
		tell_findings(r, &findings);
	else
		take_over(r, config);
	toll_findings_release(&findings);
	toll_config_free(config);
}

void toll_reload_go_on(struct toll_reload *r)
{
	if (r->waits)
		toll_reload_now(r);
}

/* ---- life ---- */

static void files_changed(void *ctx)
{
	TOLL_INFO(WHO, "a file of the configuration has changed");
	toll_reload_now(ctx);
}

struct toll_reload *toll_reload_new(struct toll_host *h, struct toll_generations *gs,
                                    const struct toll_config *config,
                                    const struct toll_config_source *source, bool watch)
{
	struct toll_reload *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->host = h;
	r->generations = gs;
	r->source = source;
	if (watch)
		r->watch = toll_config_watch_new(h, files_changed, r);
	if (watch && !r->watch) {
		free(r);
		return NULL;
	}
	toll_config_watch_follow(r->watch, config);
	show_config(r, config);
	r->metrics.collect = write_metrics;
	toll_host_metrics_add(h, &r->metrics);
	return r;
}

struct toll_reload *toll_reload_free(struct toll_reload *r)
{
	if (!r)
		return NULL;
	toll_host_metrics_remove(r->host, &r->metrics);
	toll_config_watch_free(r->watch);
	free(r);
	return NULL;
}
