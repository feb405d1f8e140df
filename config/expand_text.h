/* SPDX-License-Identifier: Apache-2.0 */
/* expand_text.h - one text with ${...} in it -> text, and what one ${...} stands for. Used by
 * expand.c only, which knows where the text is. */
#ifndef TOLL_CONFIG_EXPAND_TEXT_H
#define TOLL_CONFIG_EXPAND_TEXT_H

#include "config/uri.h"

/* What is being replaced right now, innermost first: whoever comes by again is in a circle. */
struct toll_expand_link {
	const struct toll_expand_link *up;
	struct toll_slice uri;
};

struct toll_expander {
	struct toll_arena *arena;
	struct toll_findings *findings;
	struct toll_uri_files *files;
	unsigned total, in_value; /* ${...} so far; the owner sets in_value back for each value */
	bool quiet;               /* the second time for the same value: told already */
	int err;                  /* not 0: stop */
	struct toll_place place;  /* of the value, for findings */
};

/* An error that ends it all. */
void toll_expand_give_up(struct toll_expander *x, const char *why);

/* Length of the "${...}" that s begins with, 0 when it does not end. */
size_t toll_expand_span(struct toll_slice s);

/* s with every ${...} replaced and every $$ made one; in the arena, NUL-terminated. */
struct toll_slice toll_expand_text(struct toll_expander *x, struct toll_slice s,
                                   const struct toll_expand_link *up);

/* What s, a whole "${...}", stands for. *ret_uri: which one that is, inner ones replaced. */
struct toll_uri_value toll_expand_look_up(struct toll_expander *x, struct toll_slice s,
                                          const struct toll_expand_link *up,
                                          struct toll_slice *ret_uri);

/* A copy in the arena; out of memory is x->err. */
struct toll_slice toll_expand_keep(struct toll_expander *x, struct toll_slice text);

#endif
