/* SPDX-License-Identifier: Apache-2.0 */
/* forward - joins pipelines, or splits one, as it is: what ends in it goes on behind it. */
#include <stdlib.h>

#include "pipeline/factory.h"

static void forward_free(struct toll_component *c)
{
	free(toll_container_of(c, struct toll_connector, super));
}

static const struct toll_component_ops forward_ops = { .free = forward_free };

static int forward_create(const struct toll_settings *set, const void *config TOLL_UNUSED,
                          struct toll_component **ret, struct toll_error *reterr)
{
	struct toll_connector *c = calloc(1, sizeof(*c));

	if (!c)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&c->super, &forward_ops, set);
	*ret = &c->super;
	return 0;
}

static const struct toll_field forward_fields[] = { TOLL_FIELD_END };

const struct toll_factory toll_connector_forward = {
	.kind = TOLL_CONNECTOR,
	.stability = TOLL_BETA,
	.type = "forward",
	.help = "Joins pipelines, or splits one: what ends in it goes on in the pipelines behind "
		"it.",
	.fields = forward_fields,
	.create = forward_create,
};
