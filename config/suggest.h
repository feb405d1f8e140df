/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - "did you mean": the known word nearest to what somebody typed. */
#ifndef TOLL_CONFIG_SUGGEST_H
#define TOLL_CONFIG_SUGGEST_H

#include "base/slice.h"

/* Collects the best of several candidates; typed is borrowed. Case does not count. */
struct toll_suggest {
	struct toll_slice typed;
	const char *best; /* NULL: nothing is near enough */
	unsigned distance;
};

void toll_suggest_init(struct toll_suggest *s, struct toll_slice typed);
void toll_suggest_offer(struct toll_suggest *s, const char *candidate);

#endif
