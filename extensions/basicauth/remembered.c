/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/basicauth/remembered.h"

#include <string.h>

bool toll_remembered_init(struct toll_remembered *r)
{
	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	return toll_random(r->key, sizeof(r->key));
}

void toll_remembered_release(struct toll_remembered *r)
{
	pthread_mutex_destroy(&r->lock);
}

static bool digest_of(const struct toll_remembered *r, struct toll_slice credentials,
                      char out[TOLL_SHA256_SIZE])
{
	return toll_hmac_sha256(toll_slice(r->key, sizeof(r->key)), credentials, out);
}

/* The digest is keyed: nobody can aim at another one's place. */
static size_t place_of(const char digest[TOLL_SHA256_SIZE])
{
	unsigned short n;

	memcpy(&n, digest, sizeof(n));
	return n % TOLL_REMEMBERED;
}

bool toll_remembered_find(struct toll_remembered *r, struct toll_slice credentials, bool *ret_right)
{
	char digest[TOLL_SHA256_SIZE];
	bool found;
	size_t i;

	if (!digest_of(r, credentials, digest))
		return false;
	i = place_of(digest);
	pthread_mutex_lock(&r->lock);
	found = r->entries[i].used &&
	        toll_same_secret(r->entries[i].digest, digest, sizeof(digest));
	*ret_right = found && r->entries[i].right;
	pthread_mutex_unlock(&r->lock);
	return found;
}

void toll_remembered_add(struct toll_remembered *r, struct toll_slice credentials, bool right)
{
	char digest[TOLL_SHA256_SIZE];
	size_t i;

	if (!digest_of(r, credentials, digest))
		return;
	i = place_of(digest);
	pthread_mutex_lock(&r->lock);
	/* Guesses do not push out what is known to be right. */
	if (right || !r->entries[i].used || !r->entries[i].right) {
		memcpy(r->entries[i].digest, digest, sizeof(digest));
		r->entries[i].right = right;
		r->entries[i].used = true;
	}
	pthread_mutex_unlock(&r->lock);
}
