/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_prices.h - any bytes are a price document that a book can be made of, or findings. */
#ifndef TOLL_TESTS_SUPPORT_FUZZ_PRICES_H
#define TOLL_TESTS_SUPPORT_FUZZ_PRICES_H

#include <assert.h>
#include <stdlib.h>

#include "cost/price_builder.h"
#include "prices/document.h"

static inline void finish_and_look(struct toll_pricebook_builder *take_builder)
{
	struct toll_pricebook *book = NULL;
	struct toll_error why = { 0 };
	int err = toll_pricebook_builder_finish(take_builder, TOLL_SLICE("v"), &book, &why);

	/* Too many fields and the like are seen when everything is together. */
	assert(err == 0 || why.text[0] != '\0');
	if (err)
		return;
	for (uint32_t i = 0; i < toll_pricebook_rule_count(book); i++)
		assert(toll_pricebook_rule(book, i)->rule->id.len > 0);
	toll_shared_unref(toll_pricebook_shared(book));
}

static inline void read_prices(const void *data, size_t size, const char *name)
{
	struct toll_pricebook_builder *builder = toll_pricebook_builder_new();
	struct toll_findings findings = { 0 };
	struct toll_error why = { 0 };
	char *copy = malloc(size ? size : 1); /* not one byte more: reading on is seen */
	int err;

	assert(builder && copy);
	memcpy(copy, data, size);
	err = toll_prices_read(toll_slice(copy, size), name, 1, builder, &findings);
	free(copy);
	assert((err == 0) == (findings.errors == 0));
	if (err) {
		assert(toll_prices_fail(&findings, err, &why) == err && why.text[0] != '\0');
		toll_pricebook_builder_free(builder);
	} else {
		finish_and_look(builder);
	}
	toll_findings_release(&findings);
}

#endif
