/* SPDX-License-Identifier: Apache-2.0 */
/* spend_rows.h - what is known of every subject, for other components: the service "spend". */
#ifndef TOLL_ENFORCER_SPEND_ROWS_H
#define TOLL_ENFORCER_SPEND_ROWS_H

#include "exporters/enforcer/totals/totals.h"

/* toll_spend_source.each of a struct toll_totals. */
void toll_totals_each(struct toll_spend_source *source,
                      void (*row)(void *ctx, const struct toll_spend_row *r), void *ctx);

/* Seconds until the spend that this rule sees reaches its limit, at the rate of the last minutes;
 * 0: it has; < 0: never, not before the period ends, or not known. With the lock held. */
double toll_service_forecast_s(const struct toll_totals *t, const struct toll_service *s,
                               const struct toll_rule *rule);

#endif
