/* SPDX-License-Identifier: Apache-2.0 */
/* import_genai.h - one list of prices of genai-prices as meters. */
#ifndef TOLL_PRICES_IMPORT_GENAI_H
#define TOLL_PRICES_IMPORT_GENAI_H

#include "prices/import_json.h"

/* Whether a span could be charged by these prices; tells of what has no meter. An empty list is one
 * too: the model is free. */
bool toll_genai_can_price(struct toll_import *im, struct toll_slice model,
                          struct json_object *prices);
bool toll_genai_is_free(struct json_object *prices);
/* over, or NULL, goes before prices. */
void toll_genai_write_meters(struct toll_import *im, struct json_object *prices,
                             struct json_object *over);

#endif
