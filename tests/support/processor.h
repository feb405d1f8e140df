/* SPDX-License-Identifier: Apache-2.0 */
/* processor.h - a processor by its factory, without a graph around it. */
#ifndef TOLL_TESTS_SUPPORT_PROCESSOR_H
#define TOLL_TESTS_SUPPORT_PROCESSOR_H

#include <assert.h>
#include <stdlib.h>

#include "pipeline/factory.h"
#include "proto/batch.h"

/* config: the component's config struct, filled by the test. */
static inline struct toll_processor *processor_new(const struct toll_factory *f, const void *config)
{
	static struct toll_stats stats;
	struct toll_settings set = { { f->type, "", f->type }, f->type, NULL, &stats, NULL };
	struct toll_component *c = NULL;
	int err = f->create(&set, config, &c, NULL);

	assert(err == 0);
	return toll_container_of(c, struct toll_processor, super);
}

static inline void processor_free(struct toll_processor *p)
{
	p->super.ops->free(&p->super);
}

#endif
