/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - one subject of the totals: made and freed. For totals.c and reshape.c. */
#ifndef TOLL_ENFORCER_SERVICE_H
#define TOLL_ENFORCER_SERVICE_H

#include "exporters/enforcer/totals/totals.h"

/* With the accounts that the rules want of it. NULL: out of memory. */
struct toll_service *toll_service_new(struct toll_slice key, const struct toll_subject *subject,
                                      const struct toll_rules *r);
/* Do the rules want to know of it at all? */
bool toll_service_is_wanted(const struct toll_subject *subject, const struct toll_rules *r);
/* So that it is found as spans have it; nothing when out of memory. */
void toll_service_set_raw(struct toll_service *s, struct toll_slice raw);
/* window_count: of the rules it was made with. Always returns NULL. */
struct toll_service *toll_service_free(struct toll_service *s, uint32_t window_count);

/* ---- the tables of totals, without their lock: for reshape.c ---- */

/* rules, limit and room are set; the overflows of all kinds are made. */
int toll_totals_init_tables(struct toll_totals *t) TOLL_MUST_CHECK;
void toll_totals_release_tables(struct toll_totals *t);
/* The last of t's services; NULL: no room, or out of memory. */
struct toll_service *toll_totals_add(struct toll_totals *t, struct toll_slice key,
                                     const struct toll_subject *subject);
/* So that the next span of this name is found without encoding it. Best effort. */
void toll_totals_remember(struct toll_totals *t, uint32_t index, struct toll_slice raw);

#endif
