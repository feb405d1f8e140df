/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/basicauth/htpasswd.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "extensions/basicauth/remembered.h"
#include "tests/unit/unit.h"

static struct toll_htpasswd *users_of(const char *text)
{
	struct toll_htpasswd *h;
	struct toll_error why;

	assert_int_equal(toll_htpasswd_new(toll_slice_str(text), &h, &why), 0);
	return h;
}

static int check(struct toll_htpasswd *h, const char *user, const char *password)
{
	struct toll_credentials c;
	int len = snprintf(c.text, sizeof(c.text), "%s:%s", user, password);

	c.all = toll_slice(c.text, (size_t)len);
	c.user = toll_slice(c.text, strlen(user));
	c.password = toll_slice(c.text + strlen(user) + 1, strlen(password));
	return toll_htpasswd_check(h, &c);
}

static void every_form_of_hash(void **state TOLL_UNUSED)
{
	static const char *const users[] = { "bcrypt", "sha512", "sha1", "plain" };
	struct toll_htpasswd *h =
		users_of("# a comment\n\n"
	                 "bcrypt:$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n"
	                 "sha512:$6$saltsalt$sfZR6YSW/"
	                 "Dp0uCiyF9fDipa6ORr5LVLOwXNgtzRlXXhkC7xA3w4zy97VIC3vL14A"
	                 "UXGJp3yBjZVztkdiBzJnX1\r\n"
	                 "sha1:{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=\n"
	                 "plain:geheim");

	for (int again = 0; again < 2; again++) /* computed, then remembered */
		for (size_t i = 0; i < TOLL_COUNT(users); i++) {
			assert_int_equal(check(h, users[i], "geheim"), 0);
			assert_int_equal(check(h, users[i], "geheim "), TOLL_EDENIED);
			assert_int_equal(check(h, users[i], ""), TOLL_EDENIED);
		}
	assert_int_equal(check(h, "nobody", "geheim"), TOLL_EDENIED);
	toll_shared_unref(toll_htpasswd_shared(h));
}

struct guess {
	struct toll_htpasswd *users;
	pthread_barrier_t *start;
	const char *password;
	int err;
};

static void *make_guess(void *arg)
{
	struct guess *g = arg;

	pthread_barrier_wait(g->start);
	g->err = check(g->users, "shop", g->password);
	return NULL;
}

/* How the one ended that did not have its hash computed; both were never seen before. */
static int guess_together(struct toll_htpasswd *h, int number)
{
	char one[16], other[16];
	pthread_barrier_t start;
	struct guess g[2] = { { h, &start, one, 0 }, { h, &start, other, 0 } };
	pthread_t thread;

	snprintf(one, sizeof(one), "one%d", number);
	snprintf(other, sizeof(other), "other%d", number);
	pthread_barrier_init(&start, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, make_guess, &g[0]), 0);
	make_guess(&g[1]);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&start);
	assert_true(g[0].err == TOLL_EDENIED || g[1].err == TOLL_EDENIED);
	return g[0].err == TOLL_EDENIED ? g[1].err : g[0].err;
}

/* Who is known goes in all the same. */
static void one_slow_hash_at_a_time(void **state TOLL_UNUSED)
{
	struct toll_htpasswd *h =
		users_of("shop:$2y$11$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n"
	                 "ci:word");
	int err = TOLL_EDENIED;

	assert_int_equal(check(h, "ci", "word"), 0);
	/* A machine that is busy may run them one after the other. */
	for (int i = 0; i < 20 && err == TOLL_EDENIED; i++)
		err = guess_together(h, i);
	assert_int_equal(err, TOLL_ETOOMANY);
	assert_true(toll_err_retryable(err));
	assert_int_equal(check(h, "ci", "word"), 0);
	toll_shared_unref(toll_htpasswd_shared(h));
}

/* Guesses, more than there are places, do not push out who is right. */
static void what_was_right_stays_remembered(void **state TOLL_UNUSED)
{
	static struct toll_remembered r;
	char guess[16];
	bool right;

	assert_true(toll_remembered_init(&r));
	assert_false(toll_remembered_find(&r, TOLL_SLICE("shop:word"), &right));
	toll_remembered_add(&r, TOLL_SLICE("shop:word"), true);
	for (int i = 0; i < 10 * TOLL_REMEMBERED; i++) {
		snprintf(guess, sizeof(guess), "shop:%d", i);
		toll_remembered_add(&r, toll_slice_str(guess), false);
	}
	assert_true(toll_remembered_find(&r, TOLL_SLICE("shop:word"), &right) && right);
	assert_true(toll_remembered_find(&r, toll_slice_str(guess), &right) ? !right : true);
	toll_remembered_release(&r);
}

static void what_is_wrong_is_told_without_the_secret(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "no user" },
		{ "# only this", "no user" },
		{ "shop", "line 1: write user:hash" },
		{ ":secret", "line 1: write user:hash" },
		{ "a:b\nshop:", "line 2: the password is empty" },
		{ "a:secret\na:secret", "line 2: this user is there twice" },
		{ "a:$apr1$secret", "line 1: an unknown kind of hash" },
		{ "a:{SSHA}secret", "line 1: an unknown kind of hash" },
		{ "a:$2y$15$secret", "line 1: a bcrypt cost over 14" },
		{ "a:$5$rounds=1000001$salt$secret", "line 1: more than 1000000 rounds" },
		{ "a:$6$rounds=999999999$salt$secret", "line 1: more than 1000000 rounds" },
		{ "a:$y$jCT$salt$secret", "line 1: a yescrypt cost over 7" },
		{ "a:$y$j9T1$salt$secret", "line 1: a yescrypt cost over 7" },
		{ "a:$y$", "line 1: a yescrypt cost over 7" },
		{ "a:$5$\n:", "line 2: write user:hash" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_htpasswd *h;
		struct toll_error why;

		assert_int_not_equal(toll_htpasswd_new(toll_slice_str(cases[i].text), &h, &why), 0);
		assert_non_null(strstr(why.text, cases[i].why));
		assert_null(strstr(why.text, "secret"));
	}
}

static void credentials_are_read(void **state TOLL_UNUSED)
{
	struct toll_credentials c;

	assert_true(toll_credentials_read(TOLL_SLICE("Basic c2hvcDphOmI="), &c));
	assert_true(toll_slice_is(c.user, "shop"));
	assert_true(toll_slice_is(c.password, "a:b"));
	assert_true(toll_credentials_read(TOLL_SLICE("bAsIc Og=="), &c)); /* ":" */
	assert_int_equal(c.user.len + c.password.len, 0);
	assert_false(toll_credentials_read(TOLL_SLICE("Basic"), &c));
	assert_false(toll_credentials_read(TOLL_SLICE("Basic "), &c));
	assert_false(toll_credentials_read(TOLL_SLICE("Bearer c2hvcDphOmI="), &c));
	assert_false(toll_credentials_read(TOLL_SLICE("Basic c2hvcDphOmI"), &c));
	assert_false(toll_credentials_read(TOLL_SLICE("Basic c2hv cDph"), &c));
	assert_false(toll_credentials_read(TOLL_SLICE("Basic c2hvcA=="), &c)); /* no colon */
	assert_false(toll_credentials_read(TOLL_SLICE("Basic OgA="), &c));     /* a NUL */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_hash),
		cmocka_unit_test(one_slow_hash_at_a_time),
		cmocka_unit_test(what_was_right_stays_remembered),
		cmocka_unit_test(what_is_wrong_is_told_without_the_secret),
		cmocka_unit_test(credentials_are_read),
	};

	return cmocka_run_group_tests_name("htpasswd", tests, NULL, NULL);
}
