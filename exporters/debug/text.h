/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - a batch as text for people, in the Collector's words. */
#ifndef TOLL_EXPORTERS_DEBUG_TEXT_H
#define TOLL_EXPORTERS_DEBUG_TEXT_H

#include <stdio.h>

struct toll_part;

/* One line per span: name, ids, cost, attributes. */
void toll_debug_lines(const struct toll_part *part, FILE *out);
/* Everything, one field per line. */
void toll_debug_details(const struct toll_part *part, FILE *out);

#endif
