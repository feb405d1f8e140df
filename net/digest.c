/* SPDX-License-Identifier: Apache-2.0 */
#include "net/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

bool toll_sha1(struct toll_slice text, char out[TOLL_SHA1_SIZE])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA1, text.ptr, text.len, out) == 0;
}

bool toll_sha256(struct toll_slice text, char out[TOLL_SHA256_SIZE])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, text.ptr, text.len, out) == 0;
}

bool toll_hmac_sha256(struct toll_slice key, struct toll_slice text, char out[TOLL_SHA256_SIZE])
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.ptr, key.len, text.ptr, text.len, out) == 0;
}

bool toll_random(void *out, size_t size)
{
	return gnutls_rnd(GNUTLS_RND_NONCE, out, size) == 0;
}

bool toll_same_secret(const void *a, const void *b, size_t size)
{
	return gnutls_memcmp(a, b, size) == 0;
}
