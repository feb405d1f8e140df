/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/basicauth/htpasswd.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "extensions/basicauth/remembered.h"

#define SHA_PREFIX "{SHA}"
/* The highest, each about a second or 64 MiB. */
#define BCRYPT_COST 14
#define SHA_ROUNDS  1000000ul
#define YESCRYPT_SIZE \
	"jBT" /* as crypt(5) writes cost 7: flags, N and r, whose letters are in order */

enum kind { PLAIN = 0, SHA, CRYPT };

struct user {
	struct toll_slice name;
	const char *hash; /* of SHA: behind the prefix */
	enum kind kind;
};

struct toll_htpasswd {
	struct toll_shared shared;
	char *text;
	struct user *users;
	size_t count;
	struct toll_table by_name; /* -> index */
	struct toll_remembered remembered;
	pthread_mutex_t slow; /* held by the one thread that runs crypt() */
};

/* ---- reading ---- */

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Other flags, and parameters behind these, are what crypt_gensalt() never makes. */
static bool is_costly_yescrypt(const char *hash)
{
	const char *size = hash + strlen("$y$");

	return strnlen(size, 4) < 4 || size[3] != '$' || size[0] != YESCRYPT_SIZE[0] ||
	       size[1] > YESCRYPT_SIZE[1] || size[2] > YESCRYPT_SIZE[2];
}

/* "$2y$10$", "$6$rounds=5000$", "$y$j9T$": source: crypt(5). */
static int check_cost(const char *hash, unsigned line, struct toll_error *reterr)
{
	static const char *const too_much = "would stop a worker for seconds";
	int cost = strnlen(hash, 6) == 6 ? (hash[4] - '0') * 10 + hash[5] - '0' : 0;

	if (starts_with(hash, "$2") && cost > BCRYPT_COST)
		return toll_fail(reterr, TOLL_EINVALID, "line %u: a bcrypt cost over %d %s", line,
		                 BCRYPT_COST, too_much);
	if ((starts_with(hash, "$5$rounds=") || starts_with(hash, "$6$rounds=")) &&
	    strtoul(hash + strlen("$5$rounds="), NULL, 10) > SHA_ROUNDS)
		return toll_fail(reterr, TOLL_EINVALID, "line %u: more than %lu rounds %s", line,
		                 SHA_ROUNDS, too_much);
	if (starts_with(hash, "$y$") && is_costly_yescrypt(hash))
		return toll_fail(reterr, TOLL_EINVALID, "line %u: a yescrypt cost over 7 %s", line,
		                 too_much);
	return 0;
}

static int read_hash(struct user *u, const char *hash, unsigned line, struct toll_error *reterr)
{
	static const char *const known[] = { "$2y$", "$2a$", "$2b$", "$5$", "$6$", "$y$" };

	u->hash = hash;
	if (strncmp(hash, SHA_PREFIX, sizeof(SHA_PREFIX) - 1) == 0) {
		u->kind = SHA;
		u->hash = hash + sizeof(SHA_PREFIX) - 1;
		return 0;
	}
	for (size_t i = 0; i < TOLL_COUNT(known); i++)
		if (strncmp(hash, known[i], strlen(known[i])) == 0) {
			u->kind = CRYPT;
			return check_cost(hash, line, reterr);
		}
	if (*hash == '$' || *hash == '{')
		return toll_fail(reterr, TOLL_EINVALID,
		                 "line %u: an unknown kind of hash; make it with htpasswd -B",
		                 line);
	u->kind = PLAIN;
	return *hash ? 0 : toll_fail(reterr, TOLL_EINVALID, "line %u: the password is empty", line);
}

static int add_user(struct toll_htpasswd *h, char *line, unsigned number, struct toll_error *reterr)
{
	char *colon = strchr(line, ':');
	struct user *u = &h->users[h->count];
	uint32_t *index;
	bool added;

	if (!colon || colon == line)
		return toll_fail(reterr, TOLL_EINVALID, "line %u: write user:hash", number);
	if (h->count == TOLL_USERS_MAX)
		return toll_fail(reterr, TOLL_EINVALID, "more than %d users", TOLL_USERS_MAX);
	*colon = '\0';
	u->name = toll_slice_str(line);
	if (toll_table_insert(&h->by_name, u->name, &index, &added) < 0)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (!added)
		return toll_fail(reterr, TOLL_EINVALID, "line %u: this user is there twice",
		                 number);
	*index = (uint32_t)h->count++;
	return read_hash(u, colon + 1, number, reterr);
}

static int read_lines(struct toll_htpasswd *h, struct toll_error *reterr)
{
	char *next = h->text;
	int err = 0;

	for (unsigned number = 1; next && !err; number++) {
		char *line = strsep(&next, "\n");
		size_t len = strlen(line);

		if (len && line[len - 1] == '\r')
			line[len - 1] = '\0';
		if (*line && *line != '#')
			err = add_user(h, line, number, reterr);
	}
	if (!err && !h->count)
		err = toll_fail(reterr, TOLL_EINVALID, "there is no user in it");
	return err;
}

static size_t count_lines(struct toll_slice text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	return n;
}

static void destroy(struct toll_shared *self)
{
	struct toll_htpasswd *h = toll_htpasswd_of(self);

	toll_remembered_release(&h->remembered);
	pthread_mutex_destroy(&h->slow);
	toll_table_release(&h->by_name);
	if (h->text)
		explicit_bzero(h->text, strlen(h->text));
	free(h->text);
	free(h->users);
	free(h);
}

int toll_htpasswd_new(struct toll_slice text, struct toll_htpasswd **ret, struct toll_error *reterr)
{
	struct toll_htpasswd *h = calloc(1, sizeof(*h));
	int err = toll_fail(reterr, TOLL_ENOMEM, "out of memory");

	if (!h)
		return err;
	toll_shared_init(&h->shared, destroy);
	pthread_mutex_init(&h->slow, NULL);
	h->text = strndup(text.ptr, text.len);
	h->users = calloc(count_lines(text), sizeof(*h->users));
	if (toll_remembered_init(&h->remembered) && h->text && h->users &&
	    toll_table_init(&h->by_name, TOLL_USERS_MAX) == 0)
		err = read_lines(h, reterr);
	if (err)
		toll_shared_unref(&h->shared);
	else
		*ret = h;
	return err;
}

struct toll_shared *toll_htpasswd_shared(struct toll_htpasswd *h)
{
	return &h->shared;
}

struct toll_htpasswd *toll_htpasswd_of(struct toll_shared *shared)
{
	return toll_container_of(shared, struct toll_htpasswd, shared);
}

/* ---- checking ---- */

static bool same_text(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && toll_same_secret(a, b, strlen(a));
}

static bool is_sha(const char *hash, struct toll_slice password)
{
	char want[TOLL_SHA1_SIZE], have[TOLL_SHA1_SIZE];

	return toll_base64_decode(toll_slice_str(hash), want, sizeof(want)) == TOLL_SHA1_SIZE &&
	       toll_sha1(password, have) && toll_same_secret(want, have, sizeof(have));
}

static bool is_plain(const char *text, struct toll_slice password)
{
	char want[TOLL_SHA256_SIZE], have[TOLL_SHA256_SIZE];

	return toll_sha256(toll_slice_str(text), want) && toll_sha256(password, have) &&
	       toll_same_secret(want, have, sizeof(have));
}

/* The slow lock is held. */
static bool is_crypt(const char *hash, struct toll_slice password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char *text = strndup(password.ptr, password.len);
	const char *have = data && text ? crypt_r(text, hash, data) : NULL;
	bool same = have && *have != '*' && same_text(have, hash);

	if (text)
		explicit_bzero(text, password.len);
	free(text);
	free(data);
	return same;
}

static bool is_right(const struct user *u, struct toll_slice password)
{
	switch (u->kind) {
	case SHA:
		return is_sha(u->hash, password);
	case CRYPT:
		return is_crypt(u->hash, password);
	default:
		return is_plain(u->hash, password);
	}
}

/* Nobody's password is checked against somebody's: time does not tell which users there are. */
static bool check_now(const struct toll_htpasswd *h, const struct toll_credentials *c)
{
	const uint32_t *index = toll_table_find(&h->by_name, c->user);
	bool right = is_right(&h->users[index ? *index : 0], c->password);

	return right && index;
}

int toll_htpasswd_check(struct toll_htpasswd *h, const struct toll_credentials *c)
{
	bool right;

	if (!toll_remembered_find(&h->remembered, c->all, &right)) {
		if (pthread_mutex_trylock(&h->slow) != 0)
			return TOLL_ETOOMANY;
		right = check_now(h, c);
		pthread_mutex_unlock(&h->slow);
		toll_remembered_add(&h->remembered, c->all, right);
	}
	return right ? 0 : TOLL_EDENIED;
}
