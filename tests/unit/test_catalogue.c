/* SPDX-License-Identifier: Apache-2.0 */
/* The prices that ship with the program are in it, whole. */
#include "prices/catalogue.h"
#include "tests/unit/unit.h"

/* The file in the source tree, without its comments; the caller frees it. */
static char *read_file(const char *section, size_t *ret_len)
{
	char path[128], line[65536];
	size_t len = 0, room = 4 << 20;
	char *text = malloc(room);
	FILE *f;

	snprintf(path, sizeof(path), "catalogue/%s.yaml", section);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(text);
	while (fgets(line, sizeof(line), f)) {
		const char *kept = line[strspn(line, " ")] == '#' ? "\n" : line;

		assert_true(len + strlen(kept) < room);
		memcpy(text + len, kept, strlen(kept));
		len += strlen(kept);
	}
	fclose(f);
	*ret_len = len;
	return text;
}

static void every_section_is_its_file(void **state)
{
	const char *name;
	struct toll_slice text;
	unsigned count = 0;

	(void)state;
	for (; (text = toll_catalogue_document(count, &name)).ptr; count++) {
		size_t len;
		char *file = read_file(name, &len);

		assert_true(toll_slice_eq(text, toll_slice(file, len)));
		free(file);
	}
	assert_int_equal(count, 5);
}

static void what_true_reads_charges_nothing_twice(void **state)
{
	const char *name;

	(void)state;
	for (unsigned i = 0; toll_catalogue_document(i, &name).ptr; i++)
		if (strcmp(name, "compute") == 0 || strcmp(name, "egress") == 0)
			assert_false(toll_catalogue_is_preset(i));
	assert_true(toll_catalogue_is_preset(0));
	assert_false(toll_catalogue_is_preset(99));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_section_is_its_file),
		cmocka_unit_test(what_true_reads_charges_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
