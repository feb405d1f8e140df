/* SPDX-License-Identifier: Apache-2.0 */
/* import_provider.h - the names under which spans know a provider: import_providers.def. */
#ifndef TOLL_PRICES_IMPORT_PROVIDER_H
#define TOLL_PRICES_IMPORT_PROVIDER_H

#include "prices/import.h"

/* The condition on the provider; one that is not in the table stands for itself. */
void toll_import_provider(struct toll_import *im, struct toll_slice provider);
/* The same for LiteLLM's name of it. */
void toll_import_litellm_provider(struct toll_import *im, struct toll_slice provider);

#endif
