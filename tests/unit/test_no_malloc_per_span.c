/* SPDX-License-Identifier: Apache-2.0 */
/* A request of 512 spans may take a few more allocations than one of 8, but none per span. */
#include <stdlib.h>

#include "proto/cost_record.h"
#include "proto/edit.h"
#include "proto/otlp_encode.h"
#include "tests/support/component.h"
#include "tests/support/shop.h"
#include "tests/unit/unit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTING 0 /* the sanitizer owns malloc, and the arena does one malloc for each piece */
#else
#define COUNTING 1

static unsigned long calls;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

void *malloc(size_t size)
{
	calls++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	calls++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	calls++;
	return __libc_realloc(p, size);
}
#endif

static void edit(struct toll_batch *b, struct toll_node *n)
{
	char bytes[64];
	char *end = toll_write_kv_double(bytes, n->attr_tag, TOLL_SLICE("cost.amount"), 1e-6, NULL);

	assert_int_equal(toll_node_set_str(b, n, TOLL_SLICE("url.path"),
	                                   TOLL_SLICE("/api/v2/users/*/orders/*")),
	                 0);
	assert_int_equal(toll_node_append(b, n, toll_slice(bytes, (size_t)(end - bytes)), NULL), 0);
}

/* Receive, edit, splice, write records: how many allocations. */
static unsigned long allocations(uint64_t spans)
{
	static char out[1 << 20];
	struct msg *req = shop_request(spans);
	struct toll_batch *b;
	unsigned long before = 0;
	int err;

#if COUNTING
	before = calls;
#endif
	b = batch_of(toll_slice(req->bytes, req->len), &err, NULL);
	assert_int_equal(err, 0);
	for (uint32_t i = 0; i < b->span_count; i++)
		edit(b, &b->spans[i].node);
	toll_otlp_encode(&(struct toll_selection){ b, 0, b->span_count }, out);
	for (uint32_t i = 0; i < b->span_count; i++)
		toll_cost_record(b, &b->spans[i], out);
	toll_batch_unref(b);
	free(req);
#if COUNTING
	return calls - before;
#else
	return before;
#endif
}

static void the_hot_path_allocates_per_request_only(void **state TOLL_UNUSED)
{
	unsigned long few, many;

	if (!COUNTING)
		skip();
	allocations(8); /* the key table and other things made once */
	few = allocations(8);
	many = allocations(512);
	assert_true(few >= 1);
	assert_in_range(many, 1, few + 2);
}

extern const struct toll_factory toll_processor_attributes, toll_processor_filter,
	toll_processor_probabilistic_sampler, toll_processor_resource;

/* What processors that users bring from a Collector take for one request. */
static unsigned long processor_allocations(struct component_rig *rig, uint64_t spans)
{
	struct toll_processor *p = toll_container_of(rig->component, struct toll_processor, super);
	struct msg *req = shop_request(spans);
	unsigned long before = 0;
	struct toll_batch *b;
	int err;

#if COUNTING
	before = calls;
#endif
	b = batch_of(toll_slice(req->bytes, req->len), &err, NULL);
	assert_int_equal(err, 0);
	assert_int_equal(p->process(p, b), 0);
	toll_batch_unref(b);
	free(req);
#if COUNTING
	return calls - before;
#else
	return before;
#endif
}

static void processors_allocate_per_request_only(void **state TOLL_UNUSED)
{
	static const struct {
		const struct toll_factory *factory;
		const char *yaml;
	} cases[] = {
		{ &toll_processor_attributes,
		  "{actions: [{key: new, value: x, action: insert}, {pattern: ^user, action: hash},"
		  " {key: url.path, action: extract, pattern: '(?P<first>[a-z]+)'}]}" },
		{ &toll_processor_resource, "{attributes: [{key: a, value: 1, action: upsert}]}" },
		{ &toll_processor_filter,
		  "{traces: {span: ['IsMatch(name, \"x$\") or trace_id.string == \"\"']}}" },
		{ &toll_processor_probabilistic_sampler, "{sampling_percentage: 100}" },
	};

	if (!COUNTING)
		skip();
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig rig = { 0 };
		unsigned long few, many;

		component_load(&rig, cases[i].factory, cases[i].yaml);
		assert_non_null(rig.settings);
		assert_int_equal(component_create(&rig, cases[i].factory), 0);
		processor_allocations(&rig, 8);
		few = processor_allocations(&rig, 8);
		many = processor_allocations(&rig, 512);
		if (many > few + 4)
			fail_msg("%s: %lu for 8 spans, %lu for 512", cases[i].factory->type, few,
			         many);
		component_release(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hot_path_allocates_per_request_only),
		cmocka_unit_test(processors_allocate_per_request_only),
	};

	return cmocka_run_group_tests_name("no_malloc_per_span", tests, NULL, NULL);
}
