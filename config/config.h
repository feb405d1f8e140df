/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - the checked configuration: components with their settings, pipelines, and findings.
 *
 * Everything lives in the config's own arena and outlives the graph built from it. */
#ifndef TOLL_CONFIG_CONFIG_H
#define TOLL_CONFIG_CONFIG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "config/schema.h"

/* Sections of the file, in the order of the graph's start. */
enum toll_section {
	TOLL_SECTION_RECEIVERS = 0,
	TOLL_SECTION_PROCESSORS,
	TOLL_SECTION_EXPORTERS,
	TOLL_SECTION_CONNECTORS,
	TOLL_SECTION_EXTENSIONS,
	TOLL_SECTION_COUNT
};

/* What config/ must know of a component type; cmd fills it from the factories, so that config/ does
 * not depend on pipeline/. */
struct toll_config_type {
	enum toll_section section;
	const char *type, *alias, *help, *stability;
	const struct toll_field *fields;
	size_t config_size;
	void (*validate)(const void *config, struct toll_reporter *r);
	const void *owner; /* the factory, for whoever filled this in */
	bool internal;     /* made by the program: no file can name it */
	bool ends; /* CONNECTORS: no pipeline has to begin with it; it makes metrics, not spans */
	/* Not in this version: naming it is an error with this, what it will be; or, elsewhere, why
	 * the Collector's component is not here. */
	const char *later;
	bool elsewhere;
};

struct toll_yaml_entry;

struct toll_config_component {
	const struct toll_config_type *type;
	const char *type_name, *name, *id; /* "otlp", "edge", "otlp/edge" */
	const char *who;                   /* "receiver/otlp/edge": for log lines */
	void *settings;                    /* config_size bytes, filled and checked */
	bool used;                         /* by a pipeline or service.extensions */
	const char *file;                  /* of its key; NULL: implicit */
	unsigned line, column;
	const struct toll_yaml_entry *entry; /* as it was written; NULL: implicit */
};

struct toll_config_pipeline {
	const char *id; /* "traces", "traces/2" */
	struct toll_config_component *const *receivers, *const *processors, *const *exporters;
	size_t receiver_count, processor_count, exporter_count;
	const char *file; /* of its key */
	unsigned line, column;
};

/* Is it one of the pipeline's receivers, its exporters? */
bool toll_config_begins_with(const struct toll_config_pipeline *p,
                             const struct toll_config_component *c);
bool toll_config_ends_with(const struct toll_config_pipeline *p,
                           const struct toll_config_component *c);

/* service.telemetry: the Collector's names, flattened. */
struct toll_config_telemetry {
	bool metrics_enabled; /* default: on, localhost:8888 */
	struct toll_slice metrics_host;
	int64_t metrics_port;
	bool without_type_suffix;
	struct toll_slice log_level; /* debug info warn error */
	bool log_json;
	/* Of equal lines: per tick the first `initial` pass, then every thereafter-th; 0: none. */
	bool log_sampled;
	uint64_t log_tick; /* ns */
	int64_t log_initial, log_thereafter;
};

struct toll_config {
	struct toll_arena arena;
	unsigned others;  /* owners besides the first */
	const char *file; /* the first location, as the user named it */
	const char *const
		*files_read; /* every file that was read, ${file:...} included: to watch */
	size_t files_read_count;
	uint64_t files_said;                  /* a hash of what they said, toll_uri_files_hash() */
	const struct toll_config_type *types; /* what it was loaded with */
	struct toll_config_component *components[TOLL_SECTION_COUNT]; /* arrays */
	size_t component_count[TOLL_SECTION_COUNT];
	struct toll_config_pipeline *pipelines;
	size_t pipeline_count;
	struct toll_config_component *const *extensions; /* service.extensions, in order */
	size_t extension_count;
	struct toll_config_telemetry telemetry;
};

/* ---- findings ---- */

enum toll_severity { TOLL_FINDING_INFO = 0, TOLL_FINDING_WARNING, TOLL_FINDING_ERROR };

struct toll_finding {
	enum toll_severity severity;
	const char *file;      /* as the user named it; "--set a.b" for that flag */
	unsigned line, column; /* from 1; 0: unknown */
	const char *path;      /* "exporters::kafka::producer::compression" */
	const char *text;      /* one sentence; says what to do */
};

/* {0} is empty and ready to use. */
struct toll_findings {
	struct toll_arena arena;
	struct toll_finding *at;
	size_t count, errors; /* errors: also those that are not kept */
	bool truncated;       /* more than 100: the rest is not kept */
	const char **files;   /* that findings are about, in their order */
	size_t file_count;
};

struct toll_place {
	const char *file;
	unsigned line, column;
};

/* Where a setting of the component was written ("protocols::grpc::endpoint"), or the nearest thing
 * around it that was. */
struct toll_place toll_config_place(const struct toll_config_component *c, const char *setting);
/* Was it written, or is what it says the default? */
bool toll_config_given(const struct toll_config_component *c, const char *setting);

/* file, path and text are copied. Out of memory counts an error without text. */
void toll_findings_add(struct toll_findings *f, enum toll_severity severity, struct toll_place at,
                       const char *path, const char *fmt, ...) TOLL_PRINTF(5, 6);
void toll_findings_vadd(struct toll_findings *f, enum toll_severity severity, struct toll_place at,
                        const char *path, const char *fmt, va_list ap) TOLL_PRINTF(5, 0);
/* The order of files after sorting is that of their first call, or first finding. */
void toll_findings_know_file(struct toll_findings *f, const char *file);
/* By file and line; what came first stays first. */
void toll_findings_sort(struct toll_findings *f);
const char *toll_severity_text(enum toll_severity severity); /* "warning" */

void toll_findings_release(struct toll_findings *f);
/* "config.yaml:12:7: error: exporters::kafka::topik: unknown key, did you mean \"topic\"?" a line
 */
void toll_findings_print(const struct toll_findings *f, FILE *out);
void toll_findings_print_coloured(const struct toll_findings *f, FILE *out); /* for a terminal */

/* ---- loading ---- */

/* What the command line says a configuration is made of. All of it is borrowed, and may be loaded
 * again (reload): files and variables are then read anew. */
struct toll_config_source {
	/* --config, in order, later ones merged over earlier ones: a path, file:PATH, env:NAME (a
	 * whole document), yaml:TEXT ("yaml:exporters::debug::verbosity: detailed"). */
	const char *const *locations;
	size_t location_count;
	const char *const *sets; /* --set key.key=value, in order; over all locations */
	size_t set_count;
	bool unchecked; /* load what is understood in spite of errors, to print it */
};

/* types: ends with type == NULL. All problems are collected; 0 when there is no error among them,
 * else TOLL_ECONFIG. *ret is set only on success; free with toll_config_free. Merging follows the
 * Collector: mappings are joined, all else is replaced; then ${...} is expanded (expand.h). */
int toll_config_load(const struct toll_config_source *source, const struct toll_config_type *types,
                     struct toll_config **ret, struct toll_findings *findings);
/* One file, or one text that findings shall call name. */
int toll_config_load_file(const char *path, const struct toll_config_type *types,
                          struct toll_config **ret, struct toll_findings *findings);
int toll_config_load_text(struct toll_slice yaml, const char *name,
                          const struct toll_config_type *types, struct toll_config **ret,
                          struct toll_findings *findings);
/* One more owner: each calls toll_config_free(), the last call frees. One thread. */
struct toll_config *toll_config_ref(struct toll_config *c);
struct toll_config *toll_config_free(struct toll_config *c); /* always returns NULL */

struct toll_print_how {
	bool json;
	bool reveal; /* secrets as they are, not as "[REDACTED]" */
};

/* The configuration with all defaults filled in; how NULL: YAML, secrets redacted. 0, or
 * TOLL_ENOMEM, TOLL_EREFUSED (out). */
int toll_config_print(const struct toll_config *c, const struct toll_print_how *how, FILE *out);

/* A component that no file names (implicit ones: inline pricing, telemetry): settings are all
 * presets. */
struct toll_config_component *
toll_config_implicit(struct toll_config *c, const struct toll_config_type *type, const char *name);

#endif
