/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue.h - the price documents that ship inside the program: catalogue/<section>.yaml.
 *
 * The list is catalogue.def. Texts are constant and live as long as the program; any thread. */
#ifndef TOLL_PRICES_CATALOGUE_H
#define TOLL_PRICES_CATALOGUE_H

#include "base/slice.h"

/* The text of section i in the format of docs/prices.md; {NULL, 0} past the last. ret_name, if not
 * NULL: the section's name. Comments are left out, lines count as in the file. */
struct toll_slice toll_catalogue_document(unsigned i, const char **ret_name);
/* Whether `catalogue: true` reads section i. */
bool toll_catalogue_is_preset(unsigned i);

#endif
