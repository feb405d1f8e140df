/* SPDX-License-Identifier: Apache-2.0 */
/* nop - throws spans away and says they were sent: to measure everything before it. */
#include <stdlib.h>

#include "pipeline/factory.h"
#include "pipeline/runner.h"

struct nop_config {
	struct toll_exporter_settings common;
};

static int export_parts(struct toll_exporter *e TOLL_UNUSED, struct toll_delivery *d)
{
	toll_delivery_done(d, 0);
	return 0;
}

static void nop_free(struct toll_component *c)
{
	free(toll_container_of(c, struct toll_exporter, super));
}

static const struct toll_component_ops nop_ops = { .free = nop_free };

static int nop_create(const struct toll_settings *set, const void *config TOLL_UNUSED,
                      struct toll_component **ret, struct toll_error *reterr)
{
	struct toll_exporter *e = calloc(1, sizeof(*e));

	if (!e)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&e->super, &nop_ops, set);
	e->export_parts = export_parts;
	*ret = &e->super;
	return 0;
}

static void nop_validate(const void *config, struct toll_reporter *r)
{
	const struct nop_config *nop = config;

	toll_exporter_settings_check(&nop->common, r);
}

static const struct toll_field nop_fields[] = { TOLL_EXPORTER_FIELDS(struct nop_config, "true"),
	                                        TOLL_FIELD_END };

const struct toll_factory toll_exporter_nop = {
	.kind = TOLL_EXPORTER,
	.stability = TOLL_STABLE,
	.type = "nop",
	.help = "Throws spans away: to measure everything before it.",
	.config_size = sizeof(struct nop_config),
	.fields = nop_fields,
	.exporter_settings = offsetof(struct nop_config, common),
	.validate = nop_validate,
	.create = nop_create,
};
