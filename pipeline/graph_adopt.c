/* SPDX-License-Identifier: Apache-2.0 */
/* graph_adopt.c - which components of the running graph go on in the next one as they are: those
 * that are told the same, and whose services found at their start go on as well. */
#include <string.h>

#include "pipeline/graph_private.h"

static bool batches_equal(const struct toll_batch_settings *a, const struct toll_batch_settings *b)
{
	return a->enabled == b->enabled && a->flush_timeout == b->flush_timeout &&
	       a->min_size == b->min_size && a->max_size == b->max_size;
}

static bool told_the_same(const struct toll_graph_part *a, const struct toll_graph_part *b)
{
	if (a->factory != b->factory || strcmp(a->id.text, b->id.text) != 0 ||
	    !toll_fields_equal(a->factory->fields, a->config, b->config))
		return false;
	if (a->source && b->source && strcmp(a->source, b->source) != 0)
		return false;
	/* A batch processor of the pipeline may have changed what the queue does, its journal for
	 * how long is tried. */
	return a->factory->kind != TOLL_EXPORTER ||
	       (batches_equal(&a->set.sending_queue.batch, &b->set.sending_queue.batch) &&
	        a->set.retry_on_failure.max_elapsed_time ==
	                b->set.retry_on_failure.max_elapsed_time);
}

/* For those that took what there was, without a name. */
static bool same_extensions(const struct toll_graph *g, const struct toll_graph *prev)
{
	const struct toll_graph_part *p;

	if (g->parts[TOLL_EXTENSION].count != prev->parts[TOLL_EXTENSION].count)
		return false;
	TOLL_EACH_PART(p, g, TOLL_EXTENSION)
	if (!told_the_same(p, prev->parts[TOLL_EXTENSION].at[p_at]))
		return false;
	return true;
}

static bool keeps_what_it_found(const struct toll_graph *g, const struct toll_graph *prev,
                                const struct toll_graph_part *p)
{
	if (p->tag.looked_around && !same_extensions(g, prev))
		return false;
	for (unsigned i = 0; i < p->tag.found_count; i++)
		if (!toll_graph_has(
			    g, toll_container_of(p->tag.found[i], struct toll_graph_part, tag)))
			return false;
	return true;
}

struct toll_graph_part *toll_graph_adoptable(const struct toll_graph *g,
                                             const struct toll_graph *prev,
                                             const struct toll_graph_part *planned)
{
	struct toll_graph_part *old;

	if (!prev)
		return NULL;
	old = toll_graph_find(prev, planned->factory->kind, planned->id.text);
	if (!old || !told_the_same(old, planned) || !keeps_what_it_found(g, prev, old) ||
	    !toll_graph_same_lanes(g, prev, old, planned))
		return NULL;
	return old;
}
