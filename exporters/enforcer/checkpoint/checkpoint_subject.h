/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_subject.h - one subject read back, see checkpoint_load.h. */
#ifndef TOLL_ENFORCER_CHECKPOINT_SUBJECT_H
#define TOLL_ENFORCER_CHECKPOINT_SUBJECT_H

#include "exporters/enforcer/checkpoint/checkpoint_save.h"

/* With its key alone and unused accounts; NULL: out of memory. */
struct toll_service *toll_service_bare(struct toll_slice key, uint32_t window_count);

/* What an entry says behind the key. What it leaves out stays. TOLL_EINVALID, TOLL_ENOMEM. */
int toll_subject_load(struct toll_service *s, const struct toll_rules *rules,
                      enum toll_enforcer_store store, struct toll_reader *in) TOLL_MUST_CHECK;

#endif
