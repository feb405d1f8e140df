/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/import_provider.h"

#include "base/macro.h"
#include "prices/import_write.h"

struct pair {
	const char *from, *to;
};

#define TOLL_PROVIDER(id, names) { id, names },
#define TOLL_LITELLM(provider, id)
static const struct pair providers[] = {
#include "prices/import_providers.def"
};
#define TOLL_PROVIDER(id, names)
#define TOLL_LITELLM(provider, id) { provider, id },
static const struct pair litellm[] = {
#include "prices/import_providers.def"
};

static const char *lookup(const struct pair *table, size_t count, struct toll_slice from)
{
	for (size_t i = 0; i < count; i++)
		if (toll_slice_is(from, table[i].from))
			return table[i].to;
	return NULL;
}

void toll_import_provider(struct toll_import *im, struct toll_slice provider)
{
	const char *names = lookup(providers, TOLL_COUNT(providers), provider);

	if (names)
		toll_import_words(im, "provider", names);
	else
		toll_import_exact(im, "provider", provider);
}

void toll_import_litellm_provider(struct toll_import *im, struct toll_slice provider)
{
	const char *id = lookup(litellm, TOLL_COUNT(litellm), provider);

	toll_import_provider(im, id ? toll_slice_str(id) : provider);
}
