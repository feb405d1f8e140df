/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - what every server engine has. */
#include <stdlib.h>

#include "base/thread.h"
#include "pipeline/host.h"
#include "receivers/otlp/otlp.h"
#include "receivers/otlp/transport.h"

int toll_otlp_engine_init(struct toll_otlp_engine *e, const struct toll_otlp_engine_ops *ops,
                          struct toll_otlp *o, int64_t workers, size_t max_message_bytes)
{
	e->ops = ops;
	e->receiver = o;
	e->workers = workers ? (unsigned)workers : toll_cpu_count();
	e->max_message_bytes = max_message_bytes;
	e->inflaters = calloc(e->workers, sizeof(*e->inflaters));
	if (!e->inflaters)
		return TOLL_ENOMEM;
	e->outcomes = toll_host_keep(o->super.super.host, ops->transport, o->super.super.id.text,
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
