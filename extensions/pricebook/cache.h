/* SPDX-License-Identifier: Apache-2.0 */
/* cache.h - the last good price documents on disk, so that a restart needs no network.
 *
 * One file, text in front of the documents as they came:
 *
 *   spantoll price cache 1
 *   hash 6f1c...           XXH3 of everything behind this line, 16 hex digits
 *   source http://pricing/v1/current
 *   etag "abc"             may be empty
 *   synced 1732208400000000000   Unix ns at which the source last said that they hold
 *   document 5120 price endpoint   bytes and name, one line for each
 *   (empty line, then the documents one after the other)
 *
 * The hash finds what a disk did to it, it is no signature: whoever may write the directory decides
 * prices. */
#ifndef TOLL_EXTENSIONS_PRICEBOOK_CACHE_H
#define TOLL_EXTENSIONS_PRICEBOOK_CACHE_H

#include "net/http_client.h"
#include "prices/edition.h"

#define TOLL_CACHE_SOURCE_MAX 1024u

struct toll_price_cache {
	char source[TOLL_CACHE_SOURCE_MAX]; /* without its password; no line ends */
	struct toll_http_etag etag;
	uint64_t synced_wall_ns;
	struct toll_edition *edition; /* the holder's reference */
};

/* text -> *ret, with a new edition. TOLL_EINVALID with a sentence that does not name the file;
 * TOLL_ENOMEM. */
int toll_price_cache_parse(struct toll_slice text, struct toll_price_cache *ret,
                           struct toll_error *reterr) TOLL_MUST_CHECK;
/* TOLL_EDOWN: it cannot be read, with errno ENOENT where there is none. */
int toll_price_cache_read(const char *path, struct toll_price_cache *ret,
                          struct toll_error *reterr) TOLL_MUST_CHECK;
/* All or nothing, also when the power goes: a file beside it, fsync, rename. Borrowed documents
 * are not written. */
int toll_price_cache_write(const char *path, const struct toll_price_cache *c,
                           struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
