/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_load.h - what was kept of an enforcer, read back from the payloads of frames
 * (checkpoint_save.h has their format). Any bytes may come. */
#ifndef TOLL_ENFORCER_CHECKPOINT_LOAD_H
#define TOLL_ENFORCER_CHECKPOINT_LOAD_H

#include "exporters/enforcer/checkpoint/checkpoint_frame.h"
#include "exporters/enforcer/totals/kept.h"

struct toll_loaded {
	char instance[TOLL_INSTANCE_MAX];
	enum toll_enforcer_store store;
	uint64_t seq;
	struct toll_rules rules; /* see toll_rules_restore() */
	struct toll_runtime_texts said;
	struct toll_memory_words words;
	/* With accounts for the windows of rules; without names, values and rules of their own. */
	struct toll_service **services;
	uint32_t count, room;
	struct toll_table by_key; /* borrows from the services */
	struct toll_folded folded;
	toll_i128 lost_nano;
	uint64_t overflow_spans, refused_spans;
};

/* The next frame, in order: what it says holds over what was said before. TOLL_EINVALID: it makes
 * no sense; TOLL_ENOMEM. */
int toll_loaded_add(struct toll_loaded *l, const struct toll_frame *f) TOLL_MUST_CHECK;
void toll_loaded_release(struct toll_loaded *l);

#endif
