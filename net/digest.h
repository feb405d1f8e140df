/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - digests, random bytes and comparisons for secrets, by GnuTLS. */
#ifndef TOLL_NET_DIGEST_H
#define TOLL_NET_DIGEST_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"

#define TOLL_SHA1_SIZE   20 /* only for htpasswd's {SHA} */
#define TOLL_SHA256_SIZE 32

/* False: the library refuses (SHA-1 in FIPS mode). */
bool toll_sha1(struct toll_slice text, char out[TOLL_SHA1_SIZE]) TOLL_MUST_CHECK;
bool toll_sha256(struct toll_slice text, char out[TOLL_SHA256_SIZE]) TOLL_MUST_CHECK;
bool toll_hmac_sha256(struct toll_slice key, struct toll_slice text,
                      char out[TOLL_SHA256_SIZE]) TOLL_MUST_CHECK;
bool toll_random(void *out, size_t size) TOLL_MUST_CHECK;
/* In a time that does not tell where they differ. */
bool toll_same_secret(const void *a, const void *b, size_t size);

#endif
