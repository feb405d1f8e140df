/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - one service of the totals: made and freed. For totals.c and reshape.c. */
#ifndef TOLL_ENFORCER_SERVICE_H
#define TOLL_ENFORCER_SERVICE_H

#include "exporters/enforcer/totals.h"

/* With the accounts that the rules want of it. NULL: out of memory. */
struct toll_service *toll_service_new(struct toll_slice key, const struct toll_rules *r);
/* window_count: of the rules it was made with. Always returns NULL. */
struct toll_service *toll_service_free(struct toll_service *s, uint32_t window_count);

#endif
