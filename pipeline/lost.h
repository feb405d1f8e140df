/* SPDX-License-Identifier: Apache-2.0 */
/* lost.h - what goes with spans that are lost: their number and their dollars, for one log line. */
#ifndef TOLL_PIPELINE_LOST_H
#define TOLL_PIPELINE_LOST_H

#include <stdint.h>

#include "pipeline/component.h"

struct toll_lost {
	uint64_t spans;
	uint64_t pico; /* picodollars, adjusted counts included; stays at the maximum */
};

void toll_lost_add(struct toll_lost *l, const struct toll_part *part);
void toll_lost_join(struct toll_lost *l, struct toll_lost more);

/* "$12.340000000001": exact, at least cents. */
#define TOLL_LOST_TEXT 32
const char *toll_lost_dollars(const struct toll_lost *l, char buf[TOLL_LOST_TEXT]);

#endif
