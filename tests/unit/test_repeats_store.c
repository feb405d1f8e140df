/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/repeats_store.h"

#include <string.h>

#include "tests/support/journal_disk.h"
#include "tests/unit/unit.h"

enum { RANDOM = 77, MOST = 20000 };

struct found {
	struct toll_repeats_saved at[MOST];
	size_t count;
	uint64_t damaged;
};

static void collect(void *ctx, const struct toll_repeats_saved *e)
{
	struct found *f = ctx;

	assert_true(f->count < MOST);
	f->at[f->count++] = *e;
}

static int set_up(void **state)
{
	struct disk *d = calloc(1, sizeof(*d));

	disk_init(d);
	d->kept = true;
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct disk *d = *state;

	assert_int_equal(d->opened, 0);
	assert_int_equal(d->allocations, 0);
	disk_destroy(d);
	free(d);
	return 0;
}

static struct toll_repeats_store *open_store(struct disk *d, uint64_t *seed)
{
	struct toll_repeats_store *s = NULL;

	assert_int_equal(toll_repeats_store_open(&d->io, RANDOM, seed, &s), 0);
	return s;
}

static const struct found *load(struct toll_repeats_store *s)
{
	static struct found f;

	f.count = 0;
	assert_int_equal(toll_repeats_store_load(s, collect, &f, &f.damaged), 0);
	return &f;
}

static const struct found *reopen(struct disk *d, struct toll_repeats_store **s)
{
	uint64_t seed;

	*s = open_store(d, &seed);
	return load(*s);
}

static struct toll_repeats_saved entry(uint32_t i, uint32_t second)
{
	return (struct toll_repeats_saved){ { i, i * UINT64_C(77777777777) }, second };
}

static int append(struct toll_repeats_store *s, uint32_t first, size_t count, uint32_t second)
{
	static struct toll_repeats_saved at[MOST];

	for (uint32_t i = 0; i < count; i++)
		at[i] = entry(first + i, second);
	return toll_repeats_store_append(s, at, count, second);
}

static void assert_are(const struct found *f, uint32_t first, size_t count)
{
	assert_int_equal(f->count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(f->at[i].digest[0], first + i);
		assert_int_equal(f->at[i].digest[1], (first + i) * UINT64_C(77777777777));
	}
}

static struct disk_file *file_of(struct disk *d, const char *name)
{
	const struct disk_name *n = disk_find(d, name);

	if (!n)
		fail_msg("there is no %s", name);
	return n ? &d->files[n->file] : NULL;
}

static void what_was_appended_is_found_in_its_order(void **state)
{
	struct disk *d = *state;
	struct toll_repeats_store *s;
	const struct found *f = reopen(d, &s);

	assert_int_equal(f->count, 0);
	assert_int_equal(append(s, 0, 5, 1000), 0);
	assert_int_equal(append(s, 5, 5000, 1001), 0);
	s = toll_repeats_store_free(s);
	f = reopen(d, &s);
	assert_are(f, 0, 5005);
	assert_int_equal(f->damaged, 0);
	assert_int_equal(f->at[4].second, 1000);
	assert_int_equal(f->at[5].second, 1001);
	assert_int_equal(append(s, 5005, 3, 1002), 0);
	toll_repeats_store_free(s);
	assert_are(reopen(d, &s), 0, 5008);
	toll_repeats_store_free(s);
}

static void the_seed_stays_unless_it_is_damaged(void **state)
{
	struct disk *d = *state;
	struct toll_repeats_store *s = NULL;
	uint64_t seed;

	toll_repeats_store_free(open_store(d, &seed));
	assert_int_equal(seed, RANDOM);
	assert_int_equal(toll_repeats_store_open(&d->io, 5, &seed, &s), 0);
	assert_int_equal(seed, RANDOM);
	toll_repeats_store_free(s);
	file_of(d, "seed")->bytes[20] ^= 1;
	assert_int_equal(toll_repeats_store_open(&d->io, 5, &seed, &s), 0);
	assert_int_equal(seed, 5);
	toll_repeats_store_free(s);
}

static void files_take_turns_and_only_the_old_is_lost(void **state)
{
	struct disk *d = *state;
	struct toll_repeats_store *s;
	uint32_t now = 1000;

	reopen(d, &s);
	toll_repeats_store_limit(s, 10, 1 << 20);
	for (uint32_t i = 0; i < 100; i++, now++)
		assert_int_equal(append(s, i, 1, now), 0);
	toll_repeats_store_free(s);
	for (int i = 0; i < 2; i++) {
		const struct found *f = reopen(d, &s);

		/* The last ten seconds and one turn more at most, without a hole. */
		assert_true(f->count > 10 && f->count < 24);
		assert_are(f, 100 - (uint32_t)f->count, f->count);
		toll_repeats_store_free(s);
	}
}

static void a_full_file_makes_room_in_the_other(void **state)
{
	struct disk *d = *state;
	struct toll_repeats_store *s;
	const struct found *f;

	reopen(d, &s);
	toll_repeats_store_limit(s, 1000, 4 * TOLL_REPEATS_BLOCK);
	for (uint32_t i = 0; i < 21; i++)
		assert_int_equal(append(s, i, 1, 1000), 0);
	toll_repeats_store_free(s);
	assert_true(disk_used(d) <= 8 * TOLL_REPEATS_BLOCK + 100);
	f = reopen(d, &s);
	assert_are(f, 16, 5);
	toll_repeats_store_free(s);
}

static void a_damaged_block_costs_its_own_only(void **state)
{
	struct disk *d = *state;
	struct toll_repeats_store *s;
	const struct found *f;
	struct disk_file *file;

	reopen(d, &s);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(append(s, 100 * i, 100, 1000), 0);
	toll_repeats_store_free(s);
	file = file_of(d, "repeats.1");
	for (size_t at = 0; at < TOLL_REPEATS_BLOCK; at += 13) {
		file->bytes[TOLL_REPEATS_BLOCK + at] ^= 64;
		f = reopen(d, &s);
		assert_int_equal(f->count, 300);
		assert_int_equal(f->damaged, 1);
		toll_repeats_store_free(s);
		file->bytes[TOLL_REPEATS_BLOCK + at] ^= 64;
	}
	file->size -= 3000; /* cut short */
	f = reopen(d, &s);
	assert_are(f, 0, 300);
	assert_int_equal(f->damaged, 1);
	assert_int_equal(append(s, 300, 10, 1000), 0);
	toll_repeats_store_free(s);
	assert_are(reopen(d, &s), 0, 310);
	toll_repeats_store_free(s);
}

static void any_bytes_are_harmless(void **state)
{
	struct disk *d = *state;
	struct toll_repeats_store *s;
	uint32_t random = 1;

	reopen(d, &s);
	assert_int_equal(append(s, 0, 1000, 1000), 0);
	toll_repeats_store_free(s);
	for (int i = 0; i < 60; i++) {
		for (int n = 0; n < d->file_count; n++)
			for (int k = 0; k < 5 && d->files[n].size; k++) {
				random = random * 1664525 + 1013904223;
				d->files[n].bytes[(random >> 8) % d->files[n].size] ^=
					(unsigned char)random;
			}
		reopen(d, &s);
		assert_int_equal(append(s, (uint32_t)i, 1, 1000), 0);
		toll_repeats_store_free(s);
	}
}

/* Nothing that was answered with 0 is lost, nothing is found that was never given. */
static void each_call_may_fail(void **state)
{
	struct disk *d = *state;

	for (long n = 1; n < 60; n++) {
		struct toll_repeats_store *s = NULL;
		uint32_t kept = 0;
		uint64_t seed;
		const struct found *f;

		disk_destroy(d);
		disk_init(d);
		d->kept = true;
		d->fail_from = d->fail_to = n;
		d->fail_with = EIO;
		if (toll_repeats_store_open(&d->io, RANDOM, &seed, &s) == 0) {
			toll_repeats_store_limit(s, 1000, 4 * TOLL_REPEATS_BLOCK);
			for (uint32_t i = 0; i < 3; i++)
				while (append(s, kept, 100, 1000) < 0)
					continue;
			kept = 100;
			toll_repeats_store_free(s);
		}
		d->fail_from = d->fail_to = 0;
		f = reopen(d, &s);
		assert_true(f->count >= kept);
		assert_int_equal(seed == RANDOM || !kept, 1);
		for (size_t i = 0; i < f->count; i++)
			assert_true(f->at[i].digest[0] < 100);
		toll_repeats_store_free(s);
		assert_int_equal(d->opened, 0);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_appended_is_found_in_its_order),
		TEST(the_seed_stays_unless_it_is_damaged),
		TEST(files_take_turns_and_only_the_old_is_lost),
		TEST(a_full_file_makes_room_in_the_other),
		TEST(a_damaged_block_costs_its_own_only),
		TEST(any_bytes_are_harmless),
		TEST(each_call_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
