/* SPDX-License-Identifier: Apache-2.0 */
/* component.h - the settings of one component from YAML, as the daemon would read them. */
#ifndef TOLL_TESTS_COMPONENT_H
#define TOLL_TESTS_COMPONENT_H

#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

struct component_rig {
	struct toll_config_type types[4];
	struct toll_config *config;
	char findings[4096];
	const void *settings; /* NULL: there were errors */
	struct toll_host *host;
	struct toll_stats stats;
	struct toll_component *component;
	struct toll_error error;
};

static inline TOLL_UNUSED struct toll_config_type component_type(const struct toll_factory *f,
                                                                 enum toll_section section)
{
	return (struct toll_config_type){ .section = section,
		                          .type = f->type,
		                          .help = f->help,
		                          .stability = "beta",
		                          .fields = f->fields,
		                          .config_size = f->config_size,
		                          .validate = f->validate,
		                          .owner = f };
}

/* yaml: a flow mapping, "{verbosity: basic}". A processor or an exporter. */
static inline TOLL_UNUSED void component_load(struct component_rig *g, const struct toll_factory *f,
                                              const char *yaml)
{
	static const struct toll_field none[] = { TOLL_FIELD_END };
	static const struct toll_factory in = { .type = "in", .fields = none, .help = "x" };
	static const struct toll_factory out = { .type = "out", .fields = none, .help = "x" };
	bool processor = f->kind == TOLL_PROCESSOR;
	struct toll_findings findings = { 0 };
	char text[2048];
	FILE *file = fmemopen(g->findings, sizeof(g->findings), "w");

	g->types[0] = component_type(&in, TOLL_SECTION_RECEIVERS);
	g->types[1] =
		component_type(f, processor ? TOLL_SECTION_PROCESSORS : TOLL_SECTION_EXPORTERS);
	g->types[2] = component_type(&out, TOLL_SECTION_EXPORTERS);
	snprintf(text, sizeof(text),
	         "receivers: {in: {}}\n%s:\n  %s: %s\n%sservice:\n  pipelines:\n    traces: "
	         "{receivers: [in], processors: [%s], exporters: [%s]}\n",
	         processor ? "processors" : "exporters", f->type, yaml,
	         processor ? "exporters: {out: {}}\n" : "", processor ? f->type : "",
	         processor ? "out" : f->type);
	if (toll_config_load_text(toll_slice_str(text), "c.yaml", g->types, &g->config,
	                          &findings) == 0)
		g->settings = g->config
		                      ->components[processor ? TOLL_SECTION_PROCESSORS
		                                             : TOLL_SECTION_EXPORTERS][0]
		                      .settings;
	toll_findings_print(&findings, file);
	fclose(file);
	toll_findings_release(&findings);
}

static inline TOLL_UNUSED int component_create(struct component_rig *g,
                                               const struct toll_factory *f)
{
	const struct toll_settings set = { .id = { f->type, "", f->type },
		                           .who = f->type,
		                           .host = g->host ? g->host : (g->host = toll_host_new()),
		                           .stats = &g->stats };

	return f->create(&set, g->settings, &g->component, &g->error);
}

static inline TOLL_UNUSED void component_release(struct component_rig *g)
{
	if (g->component) {
		if (g->component->ops->shutdown)
			g->component->ops->shutdown(g->component, 0);
		g->component->ops->free(g->component);
	}
	toll_config_free(g->config);
	toll_host_free(g->host);
	*g = (struct component_rig){ 0 };
}

#endif
