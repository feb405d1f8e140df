/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ottl.c - any text compiles or is refused with a place; what compiles can be evaluated. */
#include <assert.h>
#include <stdint.h>

#include "tests/support/otlp.h"
#include "transform/ottl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct toll_batch *one_span(void)
{
	static struct toll_batch *b;

	if (!b) {
		struct msg *span = span_new("GET /", 1, 1000);

		msg_attr_str(span, 9, "a", "text");
		msg_attr_int(span, 9, "n", 5);
		b = batch_of_request(request_of("shop", &span, 1));
	}
	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum toll_ottl_context contexts[] = { TOLL_OTTL_SPAN, TOLL_OTTL_RESOURCE,
		                                           TOLL_OTTL_NONE };

	for (size_t i = 0; i < TOLL_COUNT(contexts); i++) {
		struct toll_error error = { 0 };
		struct toll_ottl *o = NULL;

		if (toll_ottl_new(toll_slice(data, size), contexts[i], &o, &error) == 0)
			(void)toll_ottl_eval(o, one_span(), &one_span()->spans[0], NULL);
		else
			assert(error.text[0]);
		toll_ottl_free(o);
	}
	return 0;
}
