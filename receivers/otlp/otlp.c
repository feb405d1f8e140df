/* SPDX-License-Identifier: Apache-2.0 */
/* otlp - receives spans over OTLP: the factory and the life of the receiver. */
#include "receivers/otlp/otlp.h"

#include <stdlib.h>

#include "base/log.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

static struct toll_otlp *otlp_of(struct toll_component *c)
{
	return toll_container_of(c, struct toll_otlp, super.super);
}

static int otlp_start(struct toll_component *c, struct toll_error *reterr)
{
	struct toll_otlp *o = otlp_of(c);

	for (size_t i = 0; i < o->engine_count; i++) {
		struct toll_otlp_engine *e = o->engines[i];
		int err = toll_otlp_engine_start(e, reterr);

		if (err)
			return err;
		TOLL_INFO(c->who, "listening for %s endpoint=%s", e->ops->name, e->ops->address(e));
	}
	toll_host_metrics_add(c->host, &o->metrics);
	o->listed = true;
	toll_host_set_health(c->host, c, TOLL_HEALTH_OK, "listening");
	return 0;
}

/* False: some engines still owe answers. */
static bool stop_engines(struct toll_otlp *o, uint64_t deadline_mono_ns)
{
	bool all = true;

	for (size_t i = 0; i < o->engine_count; i++)
		toll_otlp_engine_close(o->engines[i]);
	for (size_t i = 0; i < o->engine_count; i++)
		all &= toll_otlp_engine_stop(o->engines[i], deadline_mono_ns);
	return all;
}

static void otlp_shutdown(struct toll_component *c, uint64_t deadline_mono_ns)
{
	if (!stop_engines(otlp_of(c), deadline_mono_ns))
		TOLL_WARN(c->who, "some requests were still unanswered at the deadline: "
		                  "their clients will send them again");
}

static void otlp_free(struct toll_component *c)
{
	struct toll_otlp *o = otlp_of(c);

	if (o->listed)
		toll_host_metrics_remove(c->host, &o->metrics);
	/* An exporter that is stuck may still answer: what it would touch stays until the end. */
	if (!stop_engines(o, 0))
		return;
	for (size_t i = 0; i < o->engine_count; i++) {
		if (o->listed)
			toll_otlp_keep_failures(o->engines[i]);
		o->engines[i]->ops->free(o->engines[i]);
	}
	free(o);
}

static const struct toll_component_ops ops = { otlp_start, otlp_shutdown, otlp_free };

static int add_engine(struct toll_otlp *o, struct toll_otlp_engine *e)
{
	if (!e)
		return TOLL_ENOMEM;
	o->engines[o->engine_count++] = e;
	return 0;
}

static int add_engines(struct toll_otlp *o)
{
	int err = 0;

	if (o->config->protocols.grpc.present)
		err = add_engine(o, toll_otlp_grpc_new(o));
	if (!err && o->config->protocols.http.present)
		err = add_engine(o, toll_otlp_http_new(o));
	return err;
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct toll_otlp *o = calloc(1, sizeof(*o));

	if (!o)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&o->super.super, &ops, set);
	o->super.next = set->next;
	o->config = config;
	o->metrics.collect = toll_otlp_collect;
	if (add_engines(o) < 0) {
		otlp_free(&o->super.super);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	*ret = &o->super.super;
	return 0;
}

const struct toll_factory toll_receiver_otlp = {
	.kind = TOLL_RECEIVER,
	.stability = TOLL_BETA,
	.type = "otlp",
	.help = "Receives spans over OTLP/gRPC and OTLP/HTTP.",
	.config_size = sizeof(struct toll_otlp_config),
	.repeats_settings = offsetof(struct toll_otlp_config, deduplicate),
	.fields = toll_otlp_fields,
	.validate = toll_otlp_validate,
	.create = create,
};
