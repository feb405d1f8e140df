/* SPDX-License-Identifier: Apache-2.0 */
/* attributes - changes the attributes of spans: the Collector's list of actions. */
#include <stdlib.h>

#include "pipeline/factory.h"
#include "proto/batch.h"
#include "transform/actions.h"
#include "transform/match.h"
#include "transform/regex.h"

struct attributes_config {
	struct toll_group_list actions;
	struct toll_match_settings match;
};

struct attributes {
	struct toll_processor super;
	struct toll_actions *actions;
	struct toll_match *match;
};

static int process(struct toll_processor *p, struct toll_batch *b)
{
	const struct attributes *a = toll_container_of(p, struct attributes, super);
	struct toll_match_memo memo = { 0 };
	uint64_t given_up = toll_regex_given_up();
	int err = 0;

	toll_actions_allow(a->actions, b, b->kept_count);
	for (uint32_t i = 0; i < b->span_count && !err; i++) {
		struct toll_span *s = &b->spans[i];

		if (!s->dropped && toll_match_span(a->match, b, s, &memo))
			err = toll_actions_run(a->actions, b, &s->node);
	}
	toll_stat_add(p->super.stats, TOLL_STAT_PROCESSOR_GIVEN_UP_MATCHES,
	              toll_regex_given_up() - given_up);
	return err;
}

static void attributes_free(struct toll_component *c)
{
	struct attributes *a = toll_container_of(c, struct attributes, super.super);

	toll_actions_free(a->actions);
	toll_match_free(a->match);
	free(a);
}

static const struct toll_component_ops ops = { .free = attributes_free };

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct attributes_config *c = config;
	struct attributes *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&a->super.super, &ops, set);
	a->super.process = process;
	err = toll_actions_new(&c->actions, &a->actions, reterr);
	if (!err)
		err = toll_match_new(&c->match, &a->match, reterr);
	if (err) {
		attributes_free(&a->super.super);
		return err;
	}
	*ret = &a->super.super;
	return 0;
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct attributes_config *c = config;

	toll_actions_validate(&c->actions, "actions", r);
	toll_match_validate(&c->match, "", r);
}

static const struct toll_field fields[] = {
	TOLL_FIELD(struct attributes_config, actions, GROUPS, NULL,
	           "What is done to each span, in this order.", .group = toll_action_fields,
	           .group_size = sizeof(struct toll_action_settings)),
	TOLL_MATCH_FIELDS(struct attributes_config, match),
	TOLL_FIELD_END,
};

const struct toll_factory toll_processor_attributes = {
	.kind = TOLL_PROCESSOR,
	.stability = TOLL_BETA,
	.type = "attributes",
	.help = "Inserts, updates, deletes, hashes, extracts and converts attributes of spans.",
	.config_size = sizeof(struct attributes_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
