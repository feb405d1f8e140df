/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/kafka_rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd/spantoll/connector_rules.h"
#include "pipeline/factory.h"
#include "pipeline/source.h"

static bool is_priced(const struct toll_config_component *receiver)
{
	const struct toll_factory *f = receiver->type->owner;

	return f && f->priced && f->priced(receiver->settings);
}

/* Do spans of that receiver come to pipeline `at`, perhaps through others? */
static bool reaches(const struct toll_config *config, const struct toll_config_component *receiver,
                    size_t at)
{
	struct toll_ways w = toll_ways_find(config, receiver);

	for (size_t i = 0; i < w.count; i++)
		if (w.pipelines[i] == at)
			return true;
	return false;
}

/* The next receiver from *r on that brings something to the pipeline; NULL: no more. */
static const struct toll_config_component *next_source(const struct toll_config *config, size_t at,
                                                       size_t *r)
{
	while (*r < config->component_count[TOLL_SECTION_RECEIVERS]) {
		const struct toll_config_component *c =
			&config->components[TOLL_SECTION_RECEIVERS][(*r)++];

		if (c->used && reaches(config, c, at))
			return c;
	}
	return NULL;
}

bool toll_pipeline_comes_priced(const struct toll_config *config, size_t at)
{
	const struct toll_config_component *source;
	size_t r = 0;
	bool some = false;

	while ((source = next_source(config, at, &r)) != NULL) {
		if (!is_priced(source))
			return false;
		some = true;
	}
	return some;
}

/* ---- priced twice ---- */

static void check_processor(const struct toll_config *config, size_t at, const char *type,
                            struct toll_findings *findings)
{
	const struct toll_config_pipeline *p = &config->pipelines[at];
	const struct toll_config_component *source;
	size_t r = 0;

	if (toll_pipeline_find(p, type) == p->processor_count)
		return;
	while ((source = next_source(config, at, &r)) != NULL) {
		struct toll_place place = { p->file, p->line, p->column };
		char path[256];

		if (!is_priced(source))
			continue;
		snprintf(path, sizeof(path), "service::pipelines::%s", p->id);
		toll_findings_add(findings, TOLL_FINDING_ERROR, place, path,
		                  "\"%s\" would price spans again that receiver \"%s\" brings with "
		                  "their amounts: give them a pipeline without it, or set priced: "
		                  "false there if nobody has priced them",
		                  type, source->id);
	}
}

/* ---- circles ---- */

static bool share_a_broker(const struct toll_topic *a, const struct toll_topic *b)
{
	for (size_t i = 0; i < a->brokers.count; i++)
		for (size_t k = 0; k < b->brokers.count; k++)
			if (toll_slice_eq(a->brokers.at[i], b->brokers.at[k]))
				return true;
	return false;
}

static bool topic_of(const struct toll_config_component *c, struct toll_topic *ret)
{
	const struct toll_factory *f = c->type->owner;

	if (!f || !f->topic)
		return false;
	f->topic(c->settings, ret);
	return true;
}

static void check_circle(const struct toll_config_component *receiver,
                         const struct toll_config_component *exporter,
                         struct toll_findings *findings)
{
	struct toll_place place = { exporter->file, exporter->line, exporter->column };
	struct toll_topic in, out;
	char path[256];

	if (!topic_of(receiver, &in) || !topic_of(exporter, &out) ||
	    !toll_slice_eq(in.name, out.name) || !share_a_broker(&in, &out))
		return;
	snprintf(path, sizeof(path), "exporters::%s", exporter->id);
	toll_findings_add(
		findings, TOLL_FINDING_ERROR, place, path,
		"writes to topic \"%.*s\", which receiver \"%s\" reads for it: every span "
		"would go round for ever; name another topic",
		TOLL_FMT(out.name), receiver->id);
}

static void check_circles(const struct toll_config *config, size_t at,
                          struct toll_findings *findings)
{
	const struct toll_config_pipeline *p = &config->pipelines[at];
	const struct toll_config_component *source;
	size_t r = 0;

	while ((source = next_source(config, at, &r)) != NULL)
		for (size_t i = 0; i < p->exporter_count; i++)
			check_circle(source, p->exporters[i], findings);
}

/* ---- counted here, and where they come from ---- */

static void check_sums(const struct toll_config *config,
                       const struct toll_config_component *exporter, struct toll_findings *findings)
{
	const struct toll_factory *f = exporter->type->owner;
	struct toll_place place = { exporter->file, exporter->line, exporter->column };
	bool others = false;
	char path[256], *source = NULL;

	if (!f || !f->shares || !f->shares(exporter->settings) ||
	    toll_source_find(config, exporter, &source, &others) < 0)
		return;
	snprintf(path, sizeof(path), "exporters::%s", exporter->id);
	if (others)
		toll_findings_add(findings, TOLL_FINDING_ERROR, place, path,
		                  "counts what comes from %s and what comes by other receivers "
		                  "into the same sums: the same spans could be in them twice; "
		                  "give each source an exporter with a Redis of its own",
		                  source);
	free(source);
}

void toll_kafka_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	for (size_t at = 0; at < config->pipeline_count; at++) {
		check_processor(config, at, "pricing", findings);
		check_processor(config, at, "cost", findings);
		check_circles(config, at, findings);
	}
	for (size_t i = 0; i < config->component_count[TOLL_SECTION_EXPORTERS]; i++)
		check_sums(config, &config->components[TOLL_SECTION_EXPORTERS][i], findings);
}
