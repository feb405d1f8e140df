/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/import_provider.h"

#include "base/macro.h"
#include "cost/provider.h"
#include "prices/import_write.h"

/* LiteLLM's own names; all others are those of spans. */
static const struct {
	const char *name, *id;
} litellm[] = {
	{ "bedrock_mantle", "aws" },
	{ "vertex_ai-language-models", "google" },
	{ "vertex_ai-anthropic_models", "google" },
	{ "vertex_ai-embedding-models", "google" },
	{ "vertex_ai-mistral_models", "google" },
	{ "vertex_ai-llama_models", "google" },
};

void toll_import_provider(struct toll_import *im, struct toll_slice provider)
{
	struct toll_slice id = toll_provider_id(provider);

	toll_import_exact(im, "provider", id.len ? id : provider);
}

void toll_import_litellm_provider(struct toll_import *im, struct toll_slice provider)
{
	for (size_t i = 0; i < TOLL_COUNT(litellm); i++)
		if (toll_slice_is(provider, litellm[i].name))
			provider = toll_slice_str(litellm[i].id);
	toll_import_provider(im, provider);
}
