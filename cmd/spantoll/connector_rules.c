/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/connector_rules.h"

#include <stdio.h>
#include <string.h>

static bool is_connector(const struct toll_config_component *c)
{
	return c->type->section == TOLL_SECTION_CONNECTORS;
}

static void add_ways(struct toll_ways *w, const struct toll_config *config,
                     const struct toll_config_component *source)
{
	for (size_t i = 0; i < config->pipeline_count; i++) {
		if (!toll_config_begins_with(&config->pipelines[i], source))
			continue;
		if (w->count == TOLL_COUNT(w->pipelines)) {
			w->too_many = true;
			return;
		}
		w->pipelines[w->count++] = i;
	}
}

struct toll_ways toll_ways_find(const struct toll_config *config,
                                const struct toll_config_component *source)
{
	struct toll_ways w = { .count = 0 };

	add_ways(&w, config, source);
	for (size_t n = 0; n < w.count && !w.too_many; n++) {
		const struct toll_config_pipeline *p = &config->pipelines[w.pipelines[n]];

		for (size_t i = 0; i < p->exporter_count; i++)
			if (is_connector(p->exporters[i]))
				add_ways(&w, config, p->exporters[i]);
	}
	return w;
}

/* ---- counted twice ---- */

static void warn(const struct toll_config_component *c, struct toll_findings *findings,
                 const char *text)
{
	struct toll_place at = { c->file, c->line, c->column };
	char path[256];

	snprintf(path, sizeof(path), "exporters::%s", c->id);
	toll_findings_add(findings, TOLL_FINDING_WARNING, at, path, "%s", text);
}

static void check_enforcer(const struct toll_config *config,
                           const struct toll_config_component *receiver,
                           const struct toll_config_component *enforcer,
                           struct toll_findings *findings)
{
	struct toll_ways w = toll_ways_find(config, receiver);
	char text[400];
	size_t times = 0;

	for (size_t i = 0; i < w.count; i++)
		times += toll_config_ends_with(&config->pipelines[w.pipelines[i]], enforcer);
	if (times < 2 || w.too_many)
		return;
	snprintf(
		text, sizeof(text),
		"gets what receiver \"%s\" brings %zu times, through as many pipelines, and counts "
		"the money each time",
		receiver->id, times);
	warn(enforcer, findings, text);
}

void toll_connector_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	const size_t *count = config->component_count;

	for (size_t i = 0; i < count[TOLL_SECTION_EXPORTERS]; i++) {
		const struct toll_config_component *e =
			&config->components[TOLL_SECTION_EXPORTERS][i];

		for (size_t r = 0; r < count[TOLL_SECTION_RECEIVERS]; r++)
			if (strcmp(e->type->type, "enforcer") == 0)
				check_enforcer(config,
				               &config->components[TOLL_SECTION_RECEIVERS][r], e,
				               findings);
	}
}

bool toll_pipeline_only_connects(const struct toll_config_pipeline *p)
{
	for (size_t i = 0; i < p->exporter_count; i++)
		if (!is_connector(p->exporters[i]))
			return false;
	return p->exporter_count > 0;
}

/* ---- processors on the way ---- */

size_t toll_pipeline_find(const struct toll_config_pipeline *p, const char *type)
{
	size_t i = 0;

	while (i < p->processor_count && strcmp(p->processors[i]->type->type, type) != 0)
		i++;
	return i;
}

static bool has(const struct toll_config_pipeline *p, const char *type)
{
	return toll_pipeline_find(p, type) < p->processor_count;
}

/* Does pipeline `to` begin with a connector that `from` ends with? */
static bool leads_to(const struct toll_config_pipeline *from, const struct toll_config_pipeline *to)
{
	for (size_t i = 0; i < from->exporter_count; i++)
		if (is_connector(from->exporters[i]) &&
		    toll_config_begins_with(to, from->exporters[i]))
			return true;
	return false;
}

static bool only_continues(const struct toll_config_pipeline *p)
{
	for (size_t i = 0; i < p->receiver_count; i++)
		if (!is_connector(p->receivers[i]))
			return false;
	return p->receiver_count > 0;
}

/* Backwards from the pipeline until each way has met such a processor. */
bool toll_pipeline_has_seen(const struct toll_config *config, size_t at, const char *type)
{
	size_t way[TOLL_FANOUT_MAX] = { at }, count = 1;

	for (size_t n = 0; n < count; n++) {
		const struct toll_config_pipeline *p = &config->pipelines[way[n]];

		if (has(p, type))
			continue;
		if (!only_continues(p))
			return false;
		for (size_t i = 0; i < config->pipeline_count && count < TOLL_COUNT(way); i++)
			if (leads_to(&config->pipelines[i], p))
				way[count++] = i;
	}
	return true;
}
