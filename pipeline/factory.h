/* SPDX-License-Identifier: Apache-2.0 */
/* factory.h - what the program knows of a component type before there is an instance. */
#ifndef TOLL_PIPELINE_FACTORY_H
#define TOLL_PIPELINE_FACTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "config/schema.h"
#include "pipeline/component.h"

enum toll_stability { TOLL_DEVELOPMENT = 0, TOLL_ALPHA, TOLL_BETA, TOLL_STABLE };

/* What the program passes to create(). Everything outlives the component. */
struct toll_settings {
	struct toll_id id;
	const char *who;
	struct toll_host *host;
	struct toll_stats *stats;
	struct toll_consumer *next; /* receivers only */
	const char *source;         /* exporters only: pipeline/source.h */
};

struct toll_batch_settings;
struct toll_budget_settings;

/* Where messages of a queueing system go, or come from. */
struct toll_topic {
	struct toll_slice_list brokers;
	struct toll_slice name;
	struct toll_slice group; /* of who reads it; empty: written */
};

struct toll_factory {
	enum toll_kind kind;
	enum toll_stability stability;
	const char *type;  /* the key users write in YAML */
	const char *alias; /* a second accepted key ("otlp_grpc" for "otlp"), or NULL */
	const char *help;  /* one sentence for `spantoll components` and the docs */
	bool internal;     /* made by the graph: no configuration file can name it */
	size_t config_size;
	const struct toll_field *fields; /* ends with TOLL_FIELD_END */
	/* Exporters: where in the config a struct toll_exporter_settings (pipeline/runner.h) is. */
	size_t exporter_settings;
	/* Receivers: where in the config a struct toll_repeats_settings (pipeline/repeats.h) is; 0:
	 * their clients do not send again what they have heard no answer of. */
	size_t repeats_settings;
	/* Rules a table cannot say: reports to r. May be NULL. Must not do I/O. */
	void (*validate)(const void *config, struct toll_reporter *r);
	/* Extensions: the name under which they publish themselves for settings of others to name
	 * (toll_host_publish); NULL: they serve nobody. */
	const char *serves;
	/* Exporters: what these settings say of budgets (budget/settings.h); borrowed from config.
	 * NULL: nothing. */
	void (*budgets)(const void *config, struct toll_budget_settings *ret);
	/* Exporters: do these settings add up into sums that other daemons share, each source
	 * (pipeline/source.h) into its own? NULL: they do not. */
	bool (*shares)(const void *config);
	/* Receivers: do spans come with their amounts? NULL: they do not. */
	bool (*priced)(const void *config);
	/* Receivers and exporters: the topic that they read or write; NULL: none. */
	void (*topic)(const void *config, struct toll_topic *ret);
	/* Connectors: a pipeline may end in it without another one that begins with it. */
	bool ends;
	/* Processors that are no stage (batch): change how the exporters of their pipeline put
	 * spans into deliveries. create is NULL then. */
	void (*fold)(const void *config, struct toll_batch_settings *set);
	/* An extension that these settings bring along (inline pricing: a pricebook): its type, and
	 * its config, which lives in this one; NULL: these do not. The graph makes it under the id
	 * "<implied_type>/<id of this component>" and starts it before this component. */
	const char *implied_type;
	const void *(*implied)(const void *config);
	/* Allocates, opens nothing. config outlives the component. */
	int (*create)(const struct toll_settings *set, const void *config,
	              struct toll_component **ret, struct toll_error *reterr);
};

/* Fills the common first member. */
static inline void toll_component_init(struct toll_component *c,
                                       const struct toll_component_ops *ops,
                                       const struct toll_settings *set)
{
	*c = (struct toll_component){ ops, set->id, set->who, set->stats, set->host };
}

/* Defined once, in cmd/spantoll/components.c; NULL-terminated. */
extern const struct toll_factory *const toll_factories[];

/* By type or alias; NULL when unknown. */
const struct toll_factory *toll_factory_find(const struct toll_factory *const list[],
                                             enum toll_kind kind, const char *type);

#endif
