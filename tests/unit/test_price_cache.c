/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of prices: what was written is read, and a damaged one is refused with a reason. */
#include "extensions/pricebook/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char directory[] = "/tmp/spantoll-cache-XXXXXX";
static char path[64];

static int make_directory(void **state TOLL_UNUSED)
{
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/prices.cache", directory);
	return 0;
}

static int remove_directory(void **state TOLL_UNUSED)
{
	unlink(path);
	return rmdir(directory);
}

static struct toll_price_cache sample(void)
{
	struct toll_price_cache c = { .source = "http://pricing/v1",
		                      .etag = { .text = "\"abc\"" },
		                      .synced_wall_ns = 1732208400123456789 };

	c.edition = toll_edition_new();
	assert_int_equal(
		toll_edition_add(c.edition, TOLL_SLICE("one\nname"), strdup("{\"a\"}\n"), 6), 0);
	assert_int_equal(toll_edition_add_borrowed(c.edition, TOLL_SLICE("ours"), TOLL_SLICE("x")),
	                 0);
	assert_int_equal(toll_edition_add(c.edition, TOLL_SLICE("two"), strdup(""), 0), 0);
	return c;
}

static char *slurp(size_t *ret_len)
{
	FILE *f = fopen(path, "r");
	char *text = malloc(65536);

	assert_true(f && text);
	*ret_len = fread(text, 1, 65536, f);
	fclose(f);
	return text;
}

static void what_was_written_is_read(void **state TOLL_UNUSED)
{
	struct toll_price_cache out = sample(), in;
	struct toll_error why;
	struct stat st;

	assert_int_equal(toll_price_cache_write(path, &out, &why), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(toll_price_cache_read(path, &in, &why), 0);
	assert_string_equal(in.source, out.source);
	assert_string_equal(in.etag.text, out.etag.text);
	assert_int_equal(in.synced_wall_ns, out.synced_wall_ns);
	assert_int_equal(in.edition->count, 2); /* not what is part of the program */
	assert_string_equal(in.edition->documents[0].name.ptr, "one_name");
	assert_true(toll_slice_is(in.edition->documents[0].text, "{\"a\"}\n"));
	assert_int_equal(in.edition->documents[1].text.len, 0);
	toll_edition_unref(in.edition);
	toll_edition_unref(out.edition);
}

static void every_cut_and_every_flip_is_found(void **state TOLL_UNUSED)
{
	struct toll_price_cache out = sample(), in;
	struct toll_error why;
	size_t len;
	char *text;

	assert_int_equal(toll_price_cache_write(path, &out, &why), 0);
	text = slurp(&len);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(toll_price_cache_parse(toll_slice(text, i), &in, &why),
		                 TOLL_EINVALID);
		text[i] ^= 1;
		assert_int_equal(toll_price_cache_parse(toll_slice(text, len), &in, &why),
		                 TOLL_EINVALID);
		assert_null(in.edition);
		text[i] ^= 1;
	}
	free(text);
	toll_edition_unref(out.edition);
}

static void a_right_hash_over_nonsense_is_no_cache(void **state TOLL_UNUSED)
{
	static const char *const texts[] = {
		"spantoll price cache 1\nhash 2d06800538d394c2\n",
		"spantoll price cache 2\nhash 2d06800538d394c2\n",
	};
	struct toll_price_cache in;
	struct toll_error why;

	for (size_t i = TOLL_COUNT(texts); i-- > 0;)
		assert_int_equal(toll_price_cache_parse(toll_slice_str(texts[i]), &in, &why),
		                 TOLL_EINVALID);
	assert_non_null(strstr(why.text, "its head is incomplete"));
}

static void a_place_that_cannot_be_written_is_told(void **state TOLL_UNUSED)
{
	struct toll_price_cache c = sample(), in;
	struct toll_error why;

	assert_int_equal(toll_price_cache_write("/nowhere/prices.cache", &c, &why), TOLL_EDOWN);
	assert_non_null(strstr(why.text, "/nowhere/prices.cache: No such file"));
	assert_int_equal(toll_price_cache_read("/nowhere/prices.cache", &in, &why), TOLL_EDOWN);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(toll_price_cache_read(directory, &in, &why), TOLL_EINVALID);
	toll_edition_unref(c.edition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(every_cut_and_every_flip_is_found),
		cmocka_unit_test(a_right_hash_over_nonsense_is_no_cache),
		cmocka_unit_test(a_place_that_cannot_be_written_is_told),
	};

	return cmocka_run_group_tests_name("price_cache", tests, make_directory, remove_directory);
}
