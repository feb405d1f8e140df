/* SPDX-License-Identifier: Apache-2.0 */
#include "config/connectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/service.h"

#define WAY_TEXT 512

/* ---- both sides ---- */

/* "[traces/a traces/b]"; false when there are none. */
static bool list_pipelines(const struct toll_config *config, const struct toll_config_component *c,
                           bool (*is_in)(const struct toll_config_pipeline *,
                                         const struct toll_config_component *),
                           char *text, size_t size)
{
	size_t len = (size_t)snprintf(text, size, "[");
	bool any = false;

	for (size_t i = 0; i < config->pipeline_count; i++) {
		if (!is_in(&config->pipelines[i], c))
			continue;
		if (len < size)
			len += (size_t)snprintf(text + len, size - len, "%s%s", any ? " " : "",
			                        config->pipelines[i].id);
		any = true;
	}
	if (len < size)
		snprintf(text + len, size - len, "]");
	return any;
}

static void check_sides(struct toll_parser *p, const struct toll_config *config,
                        const struct toll_config_component *c)
{
	const struct toll_yaml_path up = { NULL, TOLL_SLICE("connectors") };
	const struct toll_yaml_path path = { &up, toll_slice_str(c->id) };
	char ends[WAY_TEXT], begins[WAY_TEXT];
	bool as_exporter = list_pipelines(config, c, toll_config_ends_with, ends, sizeof(ends));
	bool as_receiver =
		list_pipelines(config, c, toll_config_begins_with, begins, sizeof(begins));

	if (as_exporter && !as_receiver && !c->type->ends)
		toll_parser_error(
			p, c, &path,
			"connector \"%s\" used as exporter in %s pipeline but not used in "
			"any supported receiver pipeline",
			c->id, ends);
	if (as_receiver && c->type->ends)
		toll_parser_error(p, c, &path,
		                  "makes metrics, which are served with the daemon's own: no "
		                  "pipeline of traces can begin with it, and %s does",
		                  begins);
	else if (as_receiver && !as_exporter)
		toll_parser_error(
			p, c, &path,
			"connector \"%s\" used as receiver in %s pipeline but not used in "
			"any supported exporter pipeline",
			c->id, begins);
}

/* ---- circles ---- */

enum colour { UNSEEN = 0, OPEN, DONE };

/* A pipeline on the way, and the connector that leads out of it. */
struct step {
	const struct step *up;
	size_t pipeline;
	const struct toll_config_component *out;
};

struct search {
	struct toll_parser *parser;
	const struct toll_config *config;
	unsigned char *colours; /* by pipeline */
};

/* From the pipeline that closes the circle forward to it again. */
static size_t write_way(const struct search *s, const struct step *last, size_t closing, char *text,
                        size_t size)
{
	size_t len = 0;

	if (last->pipeline != closing && last->up)
		len = write_way(s, last->up, closing, text, size);
	if (len < size)
		len += (size_t)snprintf(text + len, size - len,
		                        "pipeline \"%s\" -> connector \"%s\" -> ",
		                        s->config->pipelines[last->pipeline].id, last->out->id);
	return len;
}

static void report_circle(const struct search *s, const struct step *last, size_t closing)
{
	const struct toll_yaml_path service = { NULL, TOLL_SLICE("service") };
	const struct toll_yaml_path path = { &service, TOLL_SLICE("pipelines") };
	const struct toll_config_pipeline *p = &s->config->pipelines[closing];
	char way[WAY_TEXT];
	size_t len = write_way(s, last, closing, way, sizeof(way));

	if (len < sizeof(way))
		snprintf(way + len, sizeof(way) - len, "pipeline \"%s\"", p->id);
	toll_parser_error(s->parser, p, &path, "cycle detected: %s", way);
}

/* True once a circle was found and told. As deep as there are pipelines: service.c limits them. */
static bool visit(struct search *s, const struct step *up, size_t pipeline) /* NOLINT */
{
	const struct toll_config_pipeline *here = &s->config->pipelines[pipeline];
	struct step step = { up, pipeline, NULL };

	s->colours[pipeline] = OPEN;
	for (size_t i = 0; i < here->exporter_count; i++) {
		step.out = here->exporters[i];
		for (size_t j = 0; step.out->type->section == TOLL_SECTION_CONNECTORS &&
		                   j < s->config->pipeline_count;
		     j++) {
			if (!toll_config_begins_with(&s->config->pipelines[j], step.out))
				continue;
			if (s->colours[j] == OPEN) {
				report_circle(s, &step, j);
				return true;
			}
			if (s->colours[j] == UNSEEN && visit(s, &step, j))
				return true;
		}
	}
	s->colours[pipeline] = DONE;
	return false;
}

static void check_circles(struct toll_parser *p, const struct toll_config *config)
{
	struct search s = { p, config, calloc(config->pipeline_count + 1, 1) };

	if (!s.colours) {
		p->err = TOLL_ENOMEM;
		return;
	}
	for (size_t i = 0; i < config->pipeline_count; i++)
		if (s.colours[i] == UNSEEN && visit(&s, NULL, i))
			break;
	free(s.colours);
}

void toll_connectors_check(struct toll_parser *p, const struct toll_config *config)
{
	size_t count = config->component_count[TOLL_SECTION_CONNECTORS];

	for (size_t i = 0; i < count; i++)
		check_sides(p, config, &config->components[TOLL_SECTION_CONNECTORS][i]);
	if (count)
		check_circles(p, config);
}
