/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of pods: one that is held stays as it was, whatever the store learns; what a store has
 * learnt and forgotten is found and not found, however many there are. */
#include "k8s/pod_store.h"
#include "tests/unit/unit.h"

#define PODS   400u
#define CHANGE 5000u

static struct toll_slice print(char *buf, size_t size, const char *before, unsigned n)
{
	snprintf(buf, size, "%s%u", before, n);
	return toll_slice_str(buf);
}

static struct toll_pod *pod_of(unsigned uid, unsigned ip, const char *started)
{
	struct toll_pod_draft d = { .started = toll_slice_str(started) };
	char uid_text[24], four[24], six[24];
	struct toll_pod *p;

	d.uid = print(uid_text, sizeof(uid_text), "uid-", uid);
	toll_pod_draft_add_ip(&d, print(four, sizeof(four), "10.0.0.", ip));
	toll_pod_draft_add_ip(&d, print(six, sizeof(six), "fd00::", ip));
	p = toll_pod_new(&d);
	assert_non_null(p);
	return p;
}

static void put(struct toll_pod_store *s, unsigned uid, unsigned ip, const char *started)
{
	assert_int_equal(toll_pod_store_put(s, pod_of(uid, ip, started)), 0);
}

static struct toll_pods *table_of(const struct toll_pod_store *s)
{
	struct toll_pods *t = toll_pods_of(s);

	assert_non_null(t);
	return t;
}

static bool ip_is(const struct toll_pods *t, const char *ip, const char *uid)
{
	const struct toll_pod *p = toll_pods_by_ip(t, toll_slice_str(ip));

	return p && toll_slice_is(p->uid, uid);
}

static void a_table_that_is_held_stays(void **state TOLL_UNUSED)
{
	struct toll_pod_store s;
	struct toll_pods *held, *later;

	assert_int_equal(toll_pod_store_init(&s, 10), 0);
	put(&s, 1, 1, "a");
	held = table_of(&s);
	put(&s, 1, 2, "a");
	put(&s, 2, 3, "a");
	later = table_of(&s);
	toll_pod_store_release(&s);
	assert_int_equal(held->count, 1);
	assert_true(ip_is(held, "10.0.0.1", "uid-1") && ip_is(held, "fd00::1", "uid-1"));
	assert_null(toll_pods_by_ip(held, TOLL_SLICE("10.0.0.3")));
	toll_shared_unref(&held->shared);
	assert_int_equal(later->count, 2);
	assert_null(toll_pods_by_ip(later, TOLL_SLICE("10.0.0.1")));
	assert_true(ip_is(later, "10.0.0.2", "uid-1") && ip_is(later, "fd00::3", "uid-2"));
	toll_shared_unref(&later->shared);
}

/* Both are told of for a while; either may be told of first, and go first. */
static void the_address_goes_back_to_the_pod_that_is_left(void **state TOLL_UNUSED)
{
	struct toll_pod_store s;
	struct toll_pods *t;

	assert_int_equal(toll_pod_store_init(&s, 10), 0);
	put(&s, 1, 7, "2026-01-02");
	put(&s, 2, 7, "2026-01-01");
	t = table_of(&s);
	assert_true(ip_is(t, "10.0.0.7", "uid-1"));
	toll_shared_unref(&t->shared);
	assert_int_equal(toll_pod_store_remove(&s, TOLL_SLICE("uid-1")), 0);
	t = table_of(&s);
	assert_true(ip_is(t, "fd00::7", "uid-2"));
	toll_shared_unref(&t->shared);
	assert_int_equal(toll_pod_store_remove(&s, TOLL_SLICE("uid-1")), 0); /* long gone */
	assert_int_equal(s.count, 1);
	toll_pod_store_release(&s);
}

static void check(const struct toll_pod_store *s, const unsigned *ips)
{
	struct toll_pods *t = table_of(s);
	uint32_t count = 0;
	char uid[24], ip[24];

	for (unsigned i = 0; i < PODS; i++) {
		struct toll_slice name = print(uid, sizeof(uid), "uid-", i);
		const struct toll_pod *p = toll_pods_by_uid(t, name);

		count += ips[i] != 0;
		assert_int_equal(p != NULL, ips[i] != 0);
		if (ips[i])
			assert_ptr_equal(
				toll_pods_by_ip(t, print(ip, sizeof(ip), "fd00::", ips[i])), p);
	}
	assert_int_equal(t->count, count);
	toll_shared_unref(&t->shared);
}

/* Against an array that knows the same. */
static void what_is_known_is_found_and_nothing_else(void **state TOLL_UNUSED)
{
	struct toll_pod_store s;
	unsigned ips[PODS] = { 0 }, seed = 1;
	char uid[24];

	assert_int_equal(toll_pod_store_init(&s, PODS), 0);
	for (unsigned n = 1; n <= CHANGE; n++) {
		unsigned i = (seed = seed * 1103515245u + 12345u) >> 8 & 0xffff;

		i %= PODS;
		if (n % 3) {
			put(&s, i, n, "a");
		} else {
			struct toll_slice name = print(uid, sizeof(uid), "uid-", i);

			assert_int_equal(toll_pod_store_remove(&s, name), 0);
		}
		ips[i] = n % 3 ? n : 0;
		if (n % 500 == 0)
			check(&s, ips);
	}
	toll_pod_store_clear(&s);
	check(&s, (unsigned[PODS]){ 0 });
	toll_pod_store_release(&s);
}

static void a_full_store_still_takes_news_of_what_it_knows(void **state TOLL_UNUSED)
{
	struct toll_pod_store s;
	struct toll_pods *t;

	assert_int_equal(toll_pod_store_init(&s, 1), 0);
	put(&s, 1, 1, "a");
	assert_int_equal(toll_pod_store_put(&s, pod_of(2, 2, "a")), TOLL_EFULL);
	put(&s, 1, 3, "a");
	t = table_of(&s);
	assert_true(ip_is(t, "10.0.0.3", "uid-1"));
	toll_shared_unref(&t->shared);
	assert_int_equal(s.refused, 1);
	toll_pod_store_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_that_is_held_stays),
		cmocka_unit_test(the_address_goes_back_to_the_pod_that_is_left),
		cmocka_unit_test(what_is_known_is_found_and_nothing_else),
		cmocka_unit_test(a_full_store_still_takes_news_of_what_it_knows),
	};

	return cmocka_run_group_tests_name("pod_index", tests, NULL, NULL);
}
