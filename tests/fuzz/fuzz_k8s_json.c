/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_k8s_json.c - any bytes are a page of pods or an event of a watch, or a sentence. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/pod_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct toll_k8s_tag tags[] = { { .key = TOLL_SLICE("app") } };

static const struct toll_k8s_settings wish = {
	.labels = { tags, 1 },
	.annotations = { tags, 1 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_pod_store store;
	struct toll_k8s_page page;
	struct toll_error why = { 0 };
	enum toll_k8s_event what;
	struct toll_pods *table;
	char *copy = malloc(size ? size : 1); /* not one byte more: reading on is seen */
	char *text = strndup((const char *)data, size), message[64];
	int err;

	assert(copy && text && toll_pod_store_init(&store, 3) == 0);
	if (size)
		memcpy(copy, data, size);
	err = toll_k8s_read_list(copy, size, &wish, &store, &page, &why);
	assert(err == 0 || why.text[0] != '\0');
	err = toll_k8s_read_event(copy, size, &wish, &store, page.version, &what, &why);
	assert(err == 0 || why.text[0] != '\0');
	if (toll_k8s_read_status(text, message, sizeof(message)))
		assert(message[0] != '\0' || text[0] != '\0');
	table = toll_pods_of(&store);
	assert(table && table->count == store.count && store.count <= 3);
	toll_shared_unref(&table->shared);
	toll_pod_store_release(&store);
	free(copy);
	free(text);
	return 0;
}
