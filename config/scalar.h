/* SPDX-License-Identifier: Apache-2.0 */
/* scalar.h - the text of one value -> C and back: exact, no locale, nothing rounded in silence.
 *
 * The readers return NULL, or what is wrong as the end of a sentence ("needs a unit, for example
 * 5s"); *ret is written only on success. The writers fill buf (TOLL_SCALAR_TEXT bytes) with text
 * that the reader turns into the same value, and return buf. */
#ifndef TOLL_CONFIG_SCALAR_H
#define TOLL_CONFIG_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/slice.h"

#define TOLL_SCALAR_TEXT 64

/* true false True TRUE ...; *ret_odd: one of YAML 1.1's yes no on off, taken but worth a warning.
 */
const char *toll_scalar_bool(struct toll_slice s, bool *ret, bool *ret_odd) TOLL_MUST_CHECK;
const char *toll_scalar_int(struct toll_slice s, int64_t *ret) TOLL_MUST_CHECK;
/* Go syntax: "200ms", "1h30m", "1.5s", 0; units ns us ms s m h, and d for 24 h. Nanoseconds. */
const char *toll_scalar_duration(struct toll_slice s, uint64_t *ret) TOLL_MUST_CHECK;
/* Bytes: 1048576, 4MiB, 64KB; K M G T with iB (1024) or B (1000). */
const char *toll_scalar_size(struct toll_slice s, uint64_t *ret) TOLL_MUST_CHECK;
/* Dollars as a decimal of at most 12 places, never negative -> picodollars. */
const char *toll_scalar_money(struct toll_slice s, int64_t *ret) TOLL_MUST_CHECK;
/* A plain decimal, perhaps with an exponent; never infinite or NaN. */
const char *toll_scalar_ratio(struct toll_slice s, double *ret) TOLL_MUST_CHECK;
/* What YAML's core schema reads as null: empty, ~, null, Null, NULL. */
bool toll_scalar_is_null(struct toll_slice s);

const char *toll_scalar_duration_text(uint64_t ns, char *buf);
const char *toll_scalar_size_text(uint64_t bytes, char *buf);
const char *toll_scalar_money_text(int64_t pico, char *buf);
const char *toll_scalar_ratio_text(double ratio, char *buf);

#endif
