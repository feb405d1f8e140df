/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/setup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/spantoll/exporter_rules.h"
#include "cmd/spantoll/extension_rules.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/pipeline_rules.h"
#include "cmd/spantoll/port_rules.h"
#include "cmd/spantoll/retry_rules.h"
#include "cmd/spantoll/storage_rules.h"
#include "pipeline/factory.h"
#include "pipeline/graph.h"
#include "pipeline/host.h"

#define TYPES_MAX 512

static struct toll_config_type type_of(const struct toll_factory *f)
{
	static const enum toll_section sections[] = {
		[TOLL_RECEIVER] = TOLL_SECTION_RECEIVERS,
		[TOLL_PROCESSOR] = TOLL_SECTION_PROCESSORS,
		[TOLL_EXPORTER] = TOLL_SECTION_EXPORTERS,
		[TOLL_CONNECTOR] = TOLL_SECTION_CONNECTORS,
		[TOLL_EXTENSION] = TOLL_SECTION_EXTENSIONS,
	};
	static const char *const stabilities[] = { "development", "alpha", "beta", "stable" };

	return (struct toll_config_type){
		.section = sections[f->kind],
		.type = f->type,
		.alias = f->alias,
		.help = f->help,
		.stability = stabilities[f->stability],
		.fields = f->fields,
		.config_size = f->config_size,
		.validate = f->validate,
		.owner = f,
		.internal = f->internal,
		.ends = f->ends,
	};
}

static const struct toll_config_type later_types[] = {
#define TOLL_LATER(section_, type_, what)     \
	{ .section = TOLL_SECTION_##section_, \
	  .type = (type_),                    \
	  .later = (what),                    \
	  .help = "Not in this version.",     \
	  .stability = "none" },
#include "cmd/spantoll/later.def"
#define TOLL_ELSEWHERE(section_, type_, what) \
	{ .section = TOLL_SECTION_##section_, \
	  .type = (type_),                    \
	  .later = (what),                    \
	  .elsewhere = true,                  \
	  .help = "Not in this program.",     \
	  .stability = "none" },
#include "cmd/spantoll/collector.def"
};

static bool is_there(const struct toll_config_type *types, size_t count,
                     const struct toll_config_type *type)
{
	for (size_t i = 0; i < count; i++)
		if (types[i].section == type->section &&
		    (strcmp(types[i].type, type->type) == 0 ||
		     (types[i].alias && strcmp(types[i].alias, type->type) == 0)))
			return true;
	return false;
}

const struct toll_config_type *toll_setup_types(void)
{
	static struct toll_config_type types[TYPES_MAX];

	size_t n = 0;

	if (types[0].type)
		return types;
	/* The last one stays empty: it ends the table. */
	for (; n < TYPES_MAX - 1 && toll_factories[n]; n++)
		types[n] = type_of(toll_factories[n]);
	for (size_t i = 0; n < TYPES_MAX - 1 && i < TOLL_COUNT(later_types); i++)
		if (!is_there(types, n, &later_types[i]))
			types[n++] = later_types[i];
	return types;
}

/* What only the components together can tell: creates them all, opens nothing. */
static void check_graph(struct toll_config *config, struct toll_findings *findings)
{
	struct toll_place at = { config->file, 0, 0 };
	struct toll_host *host = toll_host_new();
	struct toll_graph *graph = NULL;
	struct toll_error error = { .text = "out of memory" };

	if (!host || toll_graph_build(config, host, &graph, &error) < 0)
		toll_findings_add(findings, TOLL_FINDING_ERROR, at, "", "%s", error.text);
	toll_graph_free(graph);
	toll_host_free(host);
}

static int check_whole(int err, bool unchecked, struct toll_config **config,
                       struct toll_findings *findings)
{
	if (err < 0 || unchecked)
		return err;
	toll_pipeline_rules_check(*config, findings);
	toll_extension_rules_check(*config, findings);
	toll_exporter_rules_check(*config, findings);
	toll_port_rules_check(*config, findings);
	toll_storage_rules_check(*config, findings);
	toll_retry_rules_check(*config, findings);
	if (!findings->errors)
		check_graph(*config, findings);
	toll_findings_sort(findings);
	if (!findings->errors)
		return 0;
	*config = toll_config_free(*config);
	return TOLL_ECONFIG;
}

int toll_setup_load(const struct toll_config_source *source, struct toll_config **ret,
                    struct toll_findings *findings)
{
	return check_whole(toll_config_load(source, toll_setup_types(), ret, findings),
	                   source->unchecked, ret, findings);
}

int toll_setup_load_text(struct toll_slice yaml, const char *name, struct toll_config **ret,
                         struct toll_findings *findings)
{
	return check_whole(toll_config_load_text(yaml, name, toll_setup_types(), ret, findings),
	                   false, ret, findings);
}

void toll_setup_explain(const struct toll_findings *findings)
{
	if (toll_colour_wanted(STDERR_FILENO))
		toll_findings_print_coloured(findings, stderr);
	else
		toll_findings_print(findings, stderr);
}

int toll_setup_load_or_explain(const struct toll_config_source *source, struct toll_config **ret)
{
	struct toll_findings findings = { 0 };
	int err = toll_setup_load(source, ret, &findings);

	toll_setup_explain(&findings);
	toll_findings_release(&findings);
	return err < 0 ? TOLL_EXIT_CONFIG : TOLL_EXIT_OK;
}

int toll_setup_take_rest(struct toll_setup_flags *flags, const char *verb, int argc, char **argv,
                         int rest)
{
	for (; rest < argc && flags->config.count < TOLL_OPTION_LIST_MAX; rest++) {
		if (strncmp(argv[rest], "--", 2) == 0) {
			fprintf(stderr, "spantoll %s: %s comes too late: flags before files\n",
			        verb, argv[rest]);
			return TOLL_EXIT_USAGE;
		}
		flags->config.at[flags->config.count++] = argv[rest];
	}
	if (rest < argc) {
		fprintf(stderr, "spantoll %s: more than %d configurations\n", verb,
		        TOLL_OPTION_LIST_MAX);
		return TOLL_EXIT_USAGE;
	}
	if (!flags->config.count) {
		fprintf(stderr, "spantoll %s: --config FILE is missing\n", verb);
		return TOLL_EXIT_USAGE;
	}
	if (flags->gates && *flags->gates)
		fprintf(stderr,
		        "spantoll %s: --feature-gates: there are no feature gates here, \"%s\" "
		        "has no effect\n",
		        verb, flags->gates);
	return -1;
}

struct toll_config_source toll_setup_source(const struct toll_setup_flags *flags)
{
	return (struct toll_config_source){ .locations = flags->config.at,
		                            .location_count = flags->config.count,
		                            .sets = flags->set.at,
		                            .set_count = flags->set.count,
		                            .unchecked = flags->unchecked };
}
