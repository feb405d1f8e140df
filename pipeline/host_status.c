/* SPDX-License-Identifier: Apache-2.0 */
/* host_status.c - how every component is, whether the process is ready, and both as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "pipeline/host_private.h"

static const char *const health_names[] = { "starting", "ok", "degraded" };

int toll_host_status_init(struct toll_host_status *s)
{
	atomic_init(&s->started, false);
	return pthread_mutex_init(&s->lock, NULL) ? TOLL_ENOMEM : 0;
}

void toll_host_status_release(struct toll_host_status *s)
{
	struct toll_host_state *next_state;
	struct toll_host_gate *next_gate;

	for (struct toll_host_state *c = s->states; c; c = next_state) {
		next_state = c->next;
		free(c);
	}
	for (struct toll_host_gate *g = s->gates; g; g = next_gate) {
		next_gate = g->next;
		free(g);
	}
	pthread_mutex_destroy(&s->lock);
}

/* ---- health of the components, under the lock ---- */

static struct toll_host_state *find_state(const struct toll_host_status *s, const char *who)
{
	for (struct toll_host_state *c = s->states; c; c = c->next)
		if (strcmp(c->who, who) == 0)
			return c;
	return NULL;
}

static struct toll_host_state *add_state(struct toll_host_status *s, const char *who)
{
	size_t size = strlen(who) + 1;
	struct toll_host_state *c = calloc(1, sizeof(*c) + size), **end = &s->states;

	if (!c)
		return NULL; /* status lacks this component; nothing else depends on it */
	memcpy(c->who, who, size);
	while (*end)
		end = &(*end)->next;
	*end = c;
	return c;
}

void toll_host_set_health(struct toll_host *h, const struct toll_component *c,
                          enum toll_health health, const char *why)
{
	struct toll_host_status *s = &h->status;
	struct toll_host_state *state;

	pthread_mutex_lock(&s->lock);
	state = find_state(s, c->who);
	if (!state)
		state = add_state(s, c->who);
	if (state && (!state->now.speaker || state->now.speaker == c)) {
		if (state->now.health != health || !state->now.since_wall_ns)
			state->now.since_wall_ns = toll_clock_wall_ns();
		state->now.health = health;
		state->now.told = true;
		snprintf(state->now.why, sizeof(state->now.why), "%s", why ? why : "");
	}
	pthread_mutex_unlock(&s->lock);
}

static void change_speaker(struct toll_host_state *state, const struct toll_component *c,
                           bool started)
{
	struct toll_host_word word = {
		.speaker = c,
		.health = started ? TOLL_HEALTH_OK : TOLL_HEALTH_STARTING,
		.since_wall_ns = toll_clock_wall_ns(),
	};
	bool given_back = state->before.speaker == c;

	if (given_back)
		word = state->before;
	state->before = state->now;
	if (given_back) /* it is freed, and another one may come to lie where it was */
		state->before.speaker = NULL;
	state->now = word;
}

void toll_host_speaks(struct toll_host *h, const struct toll_component *c)
{
	struct toll_host_status *s = &h->status;
	struct toll_host_state *state;

	pthread_mutex_lock(&s->lock);
	state = find_state(s, c->who);
	if (state && state->now.speaker != c)
		change_speaker(state, c, atomic_load(&s->started));
	pthread_mutex_unlock(&s->lock);
}

void toll_host_status_add(struct toll_host_status *s, const char *who)
{
	struct toll_host_state *state;

	pthread_mutex_lock(&s->lock);
	state = find_state(s, who);
	if (!state)
		state = add_state(s, who);
	if (state && !state->now.since_wall_ns)
		state->now.since_wall_ns = toll_clock_wall_ns();
	pthread_mutex_unlock(&s->lock);
}

void toll_host_status_remove(struct toll_host_status *s, const char *who)
{
	struct toll_host_state **at = &s->states, *state;

	pthread_mutex_lock(&s->lock);
	while ((state = *at) && strcmp(state->who, who) != 0)
		at = &state->next;
	if (state)
		*at = state->next;
	pthread_mutex_unlock(&s->lock);
	free(state);
}

/* ---- readiness ---- */

static struct toll_host_gate *find_gate(const struct toll_host_status *s, const char *what)
{
	struct toll_host_gate *g = s->gates;

	while (g && strcmp(g->what, what) != 0)
		g = g->next;
	return g;
}

static struct toll_host_gate *new_gate(struct toll_host_status *s, const char *what)
{
	size_t size = strlen(what) + 1;
	struct toll_host_gate *g = calloc(1, sizeof(*g) + size);

	if (!g)
		return NULL;
	memcpy(g->what, what, size);
	g->next = s->gates;
	s->gates = g;
	return g;
}

int toll_host_gate_add(struct toll_host *h, const char *what)
{
	struct toll_host_gate *g;

	pthread_mutex_lock(&h->status.lock);
	g = find_gate(&h->status, what);
	if (!g)
		g = new_gate(&h->status, what);
	if (g)
		g->users++;
	pthread_mutex_unlock(&h->status.lock);
	return g ? 0 : TOLL_ENOMEM;
}

void toll_host_gate_remove(struct toll_host *h, const char *what)
{
	struct toll_host_gate **at = &h->status.gates, *g;

	pthread_mutex_lock(&h->status.lock);
	while ((g = *at) && strcmp(g->what, what) != 0)
		at = &g->next;
	if (g && --g->users == 0) {
		*at = g->next;
		free(g);
	}
	pthread_mutex_unlock(&h->status.lock);
}

void toll_host_gate_open(struct toll_host *h, const char *what)
{
	struct toll_host_gate *g;

	pthread_mutex_lock(&h->status.lock);
	g = find_gate(&h->status, what);
	if (g)
		g->open = true;
	pthread_mutex_unlock(&h->status.lock);
}

void toll_host_set_started(struct toll_host *h, bool started)
{
	struct toll_host_status *s = &h->status;

	pthread_mutex_lock(&s->lock);
	for (struct toll_host_state *c = s->states; c && started; c = c->next) {
		if (!c->now.told)
			c->now.health = TOLL_HEALTH_OK;
		c->before.speaker = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->started, started);
}

static const struct toll_host_gate *closed_gate(const struct toll_host_status *s)
{
	for (const struct toll_host_gate *g = s->gates; g; g = g->next)
		if (!g->open)
			return g;
	return NULL;
}

bool toll_host_ready(struct toll_host *h)
{
	bool ready;

	if (!atomic_load(&h->status.started) || atomic_load(&h->loop.stop))
		return false;
	pthread_mutex_lock(&h->status.lock);
	ready = h->status.was_ready || !closed_gate(&h->status);
	h->status.was_ready = ready;
	pthread_mutex_unlock(&h->status.lock);
	return ready;
}

/* ---- the configuration ---- */

void toll_host_config_set(struct toll_host *h, uint64_t hash)
{
	pthread_mutex_lock(&h->status.lock);
	h->status.config.hash = hash;
	h->status.config.since_wall_ns = toll_clock_wall_ns();
	h->status.config.problem[0] = '\0';
	pthread_mutex_unlock(&h->status.lock);
}

void toll_host_config_problem(struct toll_host *h, const char *why)
{
	pthread_mutex_lock(&h->status.lock);
	snprintf(h->status.config.problem, sizeof(h->status.config.problem), "%s", why);
	pthread_mutex_unlock(&h->status.lock);
}

void toll_host_config_write(struct toll_host *h, struct toll_metrics_writer *w)
{
	struct toll_label label = { "hash", { NULL, 0 } };
	uint64_t hash, since;
	char text[24];

	pthread_mutex_lock(&h->status.lock);
	hash = h->status.config.hash;
	since = h->status.config.since_wall_ns;
	pthread_mutex_unlock(&h->status.lock);
	toll_metrics_family(w, "spantoll_config_last_load_timestamp_seconds", TOLL_METRIC_GAUGE,
	                    "When the running configuration was loaded.");
	toll_metrics_sample(w, NULL, 0, since / TOLL_S);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)hash);
	label.value = toll_slice_str(text);
	toll_metrics_family(w, "spantoll_config_info", TOLL_METRIC_GAUGE,
	                    "1; the hash is of the running configuration, secrets left out.");
	toll_metrics_sample(w, &label, 1, 1);
}

/* ---- JSON ---- */

static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fputc('\\', out);
		if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void put_member(FILE *out, const char *name, const char *value)
{
	fprintf(out, "\"%s\":", name);
	put_string(out, value);
}

static void put_components(const struct toll_host_status *s, FILE *out)
{
	char when[32];

	fputs("\"components\":[", out);
	for (const struct toll_host_state *c = s->states; c; c = c->next) {
		fputs(c == s->states ? "{" : ",{", out);
		put_member(out, "component", c->who);
		fputc(',', out);
		put_member(out, "status", health_names[c->now.health]);
		fputc(',', out);
		put_member(out, "since",
		           toll_clock_rfc3339(c->now.since_wall_ns, 0, when, sizeof(when)));
		if (c->now.why[0]) {
			fputc(',', out);
			put_member(out, "why", c->now.why);
		}
		fputc('}', out);
	}
	fputc(']', out);
}

static void put_waiting(const struct toll_host_status *s, FILE *out)
{
	const char *comma = "";

	fputs("\"waiting_for\":[", out);
	for (const struct toll_host_gate *g = s->gates; g; g = g->next) {
		if (g->open)
			continue;
		fputs(comma, out);
		put_string(out, g->what);
		comma = ",";
	}
	fputs("],", out);
}

static void put_config(const struct toll_host_status *s, FILE *out)
{
	char when[32];

	if (!s->config.since_wall_ns)
		return;
	fprintf(out, "\"configuration\":{\"hash\":\"%016llx\",",
	        (unsigned long long)s->config.hash);
	put_member(out, "loaded",
	           toll_clock_rfc3339(s->config.since_wall_ns, 0, when, sizeof(when)));
	if (s->config.problem[0]) {
		fputc(',', out);
		put_member(out, "problem", s->config.problem);
	}
	fputs("},", out);
}

static const char *overall(const struct toll_host *h)
{
	if (atomic_load(&h->loop.stop))
		return "stopping";
	if (!atomic_load(&h->status.started) || (!h->status.was_ready && closed_gate(&h->status)))
		return "starting";
	for (const struct toll_host_state *c = h->status.states; c; c = c->next)
		if (c->now.health == TOLL_HEALTH_DEGRADED)
			return "degraded";
	return "ok";
}

static void put_status(const struct toll_host *h, bool ready, FILE *out)
{
	uint64_t up = toll_clock_mono_ns() - h->started_mono_ns;
	char when[32];

	fputc('{', out);
	put_member(out, "status", overall(h));
	fprintf(out, ",\"ready\":%s,", ready ? "true" : "false");
	put_member(out, "version", TOLL_VERSION);
	fputc(',', out);
	put_member(out, "instance", h->instance);
	fputc(',', out);
	put_member(out, "up_since", toll_clock_rfc3339(h->started_wall_ns, 0, when, sizeof(when)));
	fprintf(out, ",\"uptime_seconds\":%llu,", (unsigned long long)(up / TOLL_S));
	put_config(&h->status, out);
	put_waiting(&h->status, out);
	put_components(&h->status, out);
	fputs("}\n", out);
}

char *toll_host_status_json(struct toll_host *h)
{
	bool ready = toll_host_ready(h);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	pthread_mutex_lock(&h->status.lock);
	put_status(h, ready, out);
	pthread_mutex_unlock(&h->status.lock);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
