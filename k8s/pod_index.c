/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s/pod_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "k8s/pods.h"

/* Few enough to be looked through, many enough that copying the pointers to all buckets is not the
 * larger part. */
enum { KEYS_PER_BUCKET = 64 };

struct entry {
	uint64_t hash;
	struct toll_slice key; /* the pod's */
	struct toll_pod *pod;  /* a reference */
};

struct toll_pod_bucket {
	struct toll_shared shared;
	uint32_t count;
	struct entry at[];
};

/* ---- buckets ---- */

static void bucket_destroy(struct toll_shared *s)
{
	struct toll_pod_bucket *b = toll_container_of(s, struct toll_pod_bucket, shared);

	for (uint32_t i = 0; i < b->count; i++)
		toll_shared_unref(&b->at[i].pod->shared);
	free(b);
}

static void bucket_unref(struct toll_pod_bucket *b)
{
	if (b)
		toll_shared_unref(&b->shared);
}

static struct toll_pod_bucket *bucket_new(uint32_t room)
{
	struct toll_pod_bucket *b = malloc(sizeof(*b) + room * sizeof(struct entry));

	if (!b)
		return NULL;
	toll_shared_init(&b->shared, bucket_destroy);
	b->count = 0;
	return b;
}

static void bucket_put(struct toll_pod_bucket *b, struct entry e)
{
	toll_shared_ref(&e.pod->shared);
	b->at[b->count++] = e;
}

static struct toll_pod_bucket **bucket_of(const struct toll_pod_index *x, uint64_t hash)
{
	return &x->buckets[hash & x->mask];
}

static bool is_at(const struct entry *e, uint64_t hash, struct toll_slice key)
{
	return e->hash == hash && toll_slice_eq(e->key, key);
}

/* ---- life ---- */

int toll_pod_index_init(struct toll_pod_index *x, uint32_t expected)
{
	uint32_t count = 1;

	while (count < expected / KEYS_PER_BUCKET)
		count *= 2;
	x->mask = count - 1;
	x->buckets = calloc(count, sizeof(struct toll_pod_bucket *));
	return x->buckets ? 0 : TOLL_ENOMEM;
}

void toll_pod_index_clear(struct toll_pod_index *x)
{
	for (uint32_t i = 0; x->buckets && i <= x->mask; i++) {
		bucket_unref(x->buckets[i]);
		x->buckets[i] = NULL;
	}
}

void toll_pod_index_release(struct toll_pod_index *x)
{
	toll_pod_index_clear(x);
	free(x->buckets);
	x->buckets = NULL;
}

int toll_pod_index_copy(const struct toll_pod_index *x, struct toll_pod_index *ret)
{
	ret->mask = x->mask;
	ret->buckets = calloc((size_t)x->mask + 1, sizeof(struct toll_pod_bucket *));
	if (!ret->buckets)
		return TOLL_ENOMEM;
	for (uint32_t i = 0; i <= x->mask; i++)
		if (x->buckets[i]) {
			toll_shared_ref(&x->buckets[i]->shared);
			ret->buckets[i] = x->buckets[i];
		}
	return 0;
}

/* ---- changes ---- */

int toll_pod_index_add(struct toll_pod_index *x, struct toll_slice key, struct toll_pod *pod)
{
	uint64_t hash = toll_hash(key);
	struct toll_pod_bucket **at = bucket_of(x, hash), *old = *at;
	uint32_t count = old ? old->count : 0;
	struct toll_pod_bucket *made = bucket_new(count + 1);

	if (!made)
		return TOLL_ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		bucket_put(made, old->at[i]);
	bucket_put(made, (struct entry){ hash, key, pod });
	*at = made;
	bucket_unref(old);
	return 0;
}

int toll_pod_index_remove(struct toll_pod_index *x, struct toll_slice key,
                          const struct toll_pod *pod)
{
	uint64_t hash = toll_hash(key);
	struct toll_pod_bucket **at = bucket_of(x, hash), *old = *at, *made;

	if (!old)
		return 0;
	made = bucket_new(old->count);
	if (!made)
		return TOLL_ENOMEM;
	for (uint32_t i = 0; i < old->count; i++)
		if (old->at[i].pod != pod || !is_at(&old->at[i], hash, key))
			bucket_put(made, old->at[i]);
	*at = made;
	bucket_unref(old);
	return 0;
}

/* ---- look-up ---- */

static bool is_later(struct toll_slice a, struct toll_slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return order ? order > 0 : a.len > b.len;
}

struct toll_pod *toll_pod_index_find(const struct toll_pod_index *x, struct toll_slice key)
{
	uint64_t hash = toll_hash(key);
	const struct toll_pod_bucket *b = *bucket_of(x, hash);
	struct toll_pod *best = NULL;

	for (uint32_t i = 0; b && i < b->count; i++)
		if (is_at(&b->at[i], hash, key) &&
		    (!best || is_later(b->at[i].pod->started, best->started)))
			best = b->at[i].pod;
	return best;
}
