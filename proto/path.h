/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - URL paths without their variable parts: /api/v2/users/123 ->
 * /api/v2/users/<placeholder>.
 *
 * Folded is a segment that is a number, a date or time, a UUID, a ULID, long hex, an e-mail
 * address, a long token of letters and digits, an id behind a separator ("order-48151",
 * "48151.json"), or longer than 100 bytes. Kept are words, words with a few digits ("oauth2",
 * "step-2") and versions
 * ("v2", "v1beta1"). Query, fragment and matrix parameters (";jsessionid=...") are cut off; the
 * scheme and authority of a full URL stay as they are; percent escapes are not decoded. Folding
 * what was folded changes nothing. */
#ifndef TOLL_PROTO_PATH_H
#define TOLL_PROTO_PATH_H

#include "base/arena.h"
#include "base/slice.h"

struct toll_path_rules; /* what a user may change; read-only, any thread */

/* keep and replace: POSIX extended regular expressions over one segment; keep wins. Patterns of
 * plain text with ^ or $ cost nothing; others run regexec(), which allocates, on every segment. */
struct toll_path_settings {
	struct toll_slice placeholder;           /* 1 to 32 bytes without any of / ? # ; */
	const struct toll_slice *keep, *replace; /* NUL-terminated behind their ends */
	size_t keep_count, replace_count;
};

/* TOLL_ECONFIG with a sentence that names the pattern; TOLL_ENOMEM. */
int toll_path_rules_new(const struct toll_path_settings *set, struct toll_path_rules **ret,
                        struct toll_error *reterr) TOLL_MUST_CHECK;
struct toll_path_rules *toll_path_rules_free(struct toll_path_rules *r); /* always returns NULL */

/* rules NULL: "*", and nothing to keep or replace. *ret lies in path itself where nothing but the
 * end was cut, else in the arena. TOLL_ENOMEM, TOLL_ETOOBIG: the arena's reason. */
int toll_path_fold(struct toll_arena *arena, struct toll_slice path,
                   const struct toll_path_rules *rules, struct toll_slice *ret) TOLL_MUST_CHECK;

/* The path of a full URL ("https://host/a?b" -> "/a?b", "https://host" -> "/"); other texts stay.
 */
struct toll_slice toll_path_of_url(struct toll_slice url);

#endif
