/* SPDX-License-Identifier: Apache-2.0 */
/* date.h - dates of price documents: "2026-11-20" (midnight UTC) or RFC 3339, as seconds of Unix
 * time. */
#ifndef TOLL_PRICES_DATE_H
#define TOLL_PRICES_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/slice.h"

/* Years 1970 to 9999; fractions of a second are cut off. False: no such date. */
bool toll_date_read(struct toll_slice text, int64_t *ret_s) TOLL_MUST_CHECK;

/* "2026-11-20", or "2026-11-20T15:00:00Z" where it is not midnight. Returns buf. */
#define TOLL_DATE_TEXT 32
const char *toll_date_print(int64_t s, char buf[TOLL_DATE_TEXT]);

#endif
