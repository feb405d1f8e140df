/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - whose spans an exporter is given: those that clients send here, or what other daemons
 * have counted before and written to a topic. Sums that both were added to would have them twice.
 */
#ifndef TOLL_PIPELINE_SOURCE_H
#define TOLL_PIPELINE_SOURCE_H

#include "config/config.h"

#define TOLL_SOURCE_INLINE "inline"

/* *ret: TOLL_SOURCE_INLINE, or "kafka:<group>:<topic>" when receivers bring it that come priced;
 * the caller's to free. *ret_others (may be NULL): it has more than that one. TOLL_ENOMEM. */
int toll_source_find(const struct toll_config *config, const struct toll_config_component *exporter,
                     char **ret, bool *ret_others) TOLL_MUST_CHECK;

#endif
