/* SPDX-License-Identifier: Apache-2.0 */
/* resource - changes the attributes of resources: the same actions as `attributes`. */
#include <stdlib.h>

#include "pipeline/factory.h"
#include "proto/edit.h"
#include "transform/actions.h"
#include "transform/regex.h"

struct resource_config {
	struct toll_group_list attributes;
};

struct resource {
	struct toll_processor super;
	struct toll_actions *actions;
};

static int process(struct toll_processor *p, struct toll_batch *b)
{
	const struct resource *r = toll_container_of(p, struct resource, super);
	uint64_t given_up = toll_regex_given_up();
	int err = 0;

	toll_actions_allow(r->actions, b, b->resource_count);
	for (uint32_t i = 0; i < b->resource_count && !err; i++) {
		err = toll_actions_run(r->actions, b, &b->resources[i].node);
		/* service.name is what prices and budgets go by. */
		toll_resource_changed(&b->resources[i]);
	}
	toll_stat_add(p->super.stats, TOLL_STAT_PROCESSOR_GIVEN_UP_MATCHES,
	              toll_regex_given_up() - given_up);
	return err;
}

static void resource_free(struct toll_component *c)
{
	struct resource *r = toll_container_of(c, struct resource, super.super);

	toll_actions_free(r->actions);
	free(r);
}

static const struct toll_component_ops ops = { .free = resource_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct resource_config *c = config;
	struct resource *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&r->super.super, &ops, set);
	r->super.process = process;
	err = toll_actions_new(&c->attributes, &r->actions, reterr);
	if (err) {
		resource_free(&r->super.super);
		return err;
	}
	*ret = &r->super.super;
	return 0;
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct resource_config *c = config;

	toll_actions_validate(&c->attributes, "attributes", r);
}

static const struct toll_field fields[] = {
	TOLL_FIELD(struct resource_config, attributes, GROUPS, NULL,
	           "What is done to each resource, in this order.", .group = toll_action_fields,
	           .group_size = sizeof(struct toll_action_settings)),
	TOLL_FIELD_END,
};

const struct toll_factory toll_processor_resource = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "resource",
	.help = "Inserts, updates, deletes, hashes, extracts and converts attributes of resources.",
	.config_size = sizeof(struct resource_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
