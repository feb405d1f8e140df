/* SPDX-License-Identifier: Apache-2.0 */
/* import_provider.h - the condition on a provider, by the id that spans have it under
 * (cost/provider.def). */
#ifndef TOLL_PRICES_IMPORT_PROVIDER_H
#define TOLL_PRICES_IMPORT_PROVIDER_H

#include "prices/import.h"

/* One that is not in the table stands for itself. */
void toll_import_provider(struct toll_import *im, struct toll_slice provider);
/* The same for LiteLLM's name of it. */
void toll_import_litellm_provider(struct toll_import *im, struct toll_slice provider);

#endif
