/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - walking over the spans of a part that are not dropped. */
#ifndef TOLL_PIPELINE_PART_H
#define TOLL_PIPELINE_PART_H

#include <stdint.h>

#include "pipeline/component.h"

uint32_t toll_part_kept(const struct toll_part *p);

/* What follows the first *skip kept spans of p; *skip becomes how many are still to be skipped in
 * the parts after it. */
struct toll_part toll_part_after(const struct toll_part *p, uint32_t *skip);

#endif
