/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - is it UTF-8? */
#ifndef TOLL_BASE_UTF8_H
#define TOLL_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the valid sequence of two to four bytes at p, or 0 (Unicode 15, table 3-7). */
size_t toll_utf8_length(const uint8_t *p, size_t left);

#endif
