/* SPDX-License-Identifier: Apache-2.0 */
/* remembered.h - credentials that were checked before, right ones and wrong ones, as digests under
 * a random key: neither they nor their passwords can be read from it. */
#ifndef TOLL_BASICAUTH_REMEMBERED_H
#define TOLL_BASICAUTH_REMEMBERED_H

#include <pthread.h>
#include <stdbool.h>

#include "net/digest.h"

#define TOLL_REMEMBERED 1024 /* a later one takes the place of an older one */

struct toll_remembered {
	pthread_mutex_t lock; /* guards entries */
	char key[TOLL_SHA256_SIZE];
	struct {
		char digest[TOLL_SHA256_SIZE];
		bool used, right;
	} entries[TOLL_REMEMBERED];
};

/* False: there are no random bytes. */
bool toll_remembered_init(struct toll_remembered *r) TOLL_MUST_CHECK;
void toll_remembered_release(struct toll_remembered *r);

/* False: it was not checked before. Any thread. */
bool toll_remembered_find(struct toll_remembered *r, struct toll_slice credentials,
                          bool *ret_right);
void toll_remembered_add(struct toll_remembered *r, struct toll_slice credentials, bool right);

#endif
