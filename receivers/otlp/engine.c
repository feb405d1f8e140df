/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - what every server engine has, and its life. */
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "pipeline/host.h"
#include "receivers/otlp/otlp.h"
#include "receivers/otlp/transport.h"

int toll_otlp_engine_init(struct toll_otlp_engine *e, const struct toll_otlp_engine_ops *ops,
                          struct toll_otlp *o, const struct toll_otlp_engine_settings *set)
{
	const char *id = o->super.super.id.text;

	e->ops = ops;
	e->receiver = o;
	e->set = *set;
	e->workers = set->workers ? (unsigned)set->workers : toll_cpu_count();
	snprintf(e->setting, sizeof(e->setting), "receivers::%s::protocols::%s::endpoint", id,
	         ops->transport);
	toll_otlp_print_endpoint(set->endpoint, set->transport, e->endpoint);
	e->inflaters = calloc(e->workers, sizeof(*e->inflaters));
	if (!e->inflaters)
		return TOLL_ENOMEM;
	e->outcomes = toll_host_keep(o->super.super.host, ops->transport, id,
	                             TOLL_OUTCOME_COUNT * sizeof(*e->outcomes), NULL);
	if (!e->outcomes)
		free(e->inflaters);
	return e->outcomes ? 0 : TOLL_ENOMEM;
}

void toll_otlp_engine_release(struct toll_otlp_engine *e)
{
	for (unsigned i = 0; i < e->workers; i++)
		toll_inflater_release(&e->inflaters[i]);
	free(e->inflaters);
	toll_otlp_security_release(&e->security);
	toll_host_let_go(e->receiver->super.super.host, e->outcomes);
}

int toll_otlp_engine_start(struct toll_otlp_engine *e, struct toll_error *reterr)
{
	int err = toll_otlp_security_start(&e->security, &e->receiver->super.super,
	                                   e->ops->transport, e->set.tls, e->set.auth, reterr);

	if (!err)
		err = e->ops->listen(e, reterr);
	e->listening = !err;
	return err;
}

void toll_otlp_engine_close(struct toll_otlp_engine *e)
{
	if (e->listening)
		e->ops->close(e);
}

bool toll_otlp_engine_stop(struct toll_otlp_engine *e, uint64_t deadline_mono_ns)
{
	return !e->listening || e->ops->stop(e, deadline_mono_ns);
}
