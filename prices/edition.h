/* SPDX-License-Identifier: Apache-2.0 */
/* edition.h - the documents that one version of the price book is made of, lowest layer first.
 *
 * Built by one thread; once shared, nobody changes it. */
#ifndef TOLL_PRICES_EDITION_H
#define TOLL_PRICES_EDITION_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "base/snapshot.h"

struct toll_pricebook;

#define TOLL_EDITION_DOCUMENTS 64u /* at most */
#define TOLL_EDITION_NAME_MAX  255u
#define TOLL_EDITION_VERSION   17u /* bytes of a version's text with its end */
/* Of all documents together, beside those that are part of the program. */
#define TOLL_EDITION_MAX_BYTES ((size_t)32 * 1024 * 1024)

struct toll_edition_document {
	struct toll_slice name; /* of the file; NUL-terminated */
	struct toll_slice text;
	bool borrowed;             /* part of the program */
	char *own_name, *own_text; /* to free; own_text NULL: borrowed */
};

struct toll_edition {
	struct toll_shared shared;
	uint32_t count;
	size_t bytes; /* of the texts that are its own */
	struct toll_edition_document documents[TOLL_EDITION_DOCUMENTS];
	char version[TOLL_EDITION_VERSION]; /* a hash of the texts in their order */
	struct toll_pricebook *book;        /* compiled from them; NULL: not yet */
	uint64_t origin;                    /* which settings it comes from: a hash; the owner's */
};

struct toll_edition *toll_edition_new(void);                     /* NULL: out of memory */
struct toll_edition *toll_edition_ref(struct toll_edition *e);   /* accepts NULL */
struct toll_edition *toll_edition_unref(struct toll_edition *e); /* accepts NULL, returns it */

/* take_text is malloc'ed and the edition's from here, also on failure; the name is copied, cut at
 * TOLL_EDITION_NAME_MAX, without control characters. TOLL_EFULL, TOLL_ETOOBIG, TOLL_ENOMEM. */
int toll_edition_add(struct toll_edition *e, struct toll_slice name, char *take_text,
                     size_t len) TOLL_MUST_CHECK;
/* The same for a text that is copied. */
int toll_edition_add_copy(struct toll_edition *e, struct toll_slice name,
                          struct toll_slice text) TOLL_MUST_CHECK;
/* The same for a text that outlives the edition. */
int toll_edition_add_borrowed(struct toll_edition *e, struct toll_slice name,
                              struct toll_slice text) TOLL_MUST_CHECK;

#endif
