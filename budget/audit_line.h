/* SPDX-License-Identifier: Apache-2.0 */
/* audit_line.h - one line of the audit log: a JSON object that is chained to the line before it.
 *
 *   {"seq":7,"prev":"<64 hex>",<members of the record>,"hash":"<64 hex>"}
 *
 * hash = SHA-256 of the 64 digits of prev, followed by the line as it stands without
 * `,"hash":"…"` and without its newline. prev is the hash of the line before, 64 zeros before the
 * first. Pure. */
#ifndef TOLL_BUDGET_AUDIT_LINE_H
#define TOLL_BUDGET_AUDIT_LINE_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define TOLL_AUDIT_HASH       64                            /* hexadecimal digits */
#define TOLL_AUDIT_OBJECT_MAX 8192                          /* bytes of a record */
#define TOLL_AUDIT_LINE_MAX   (TOLL_AUDIT_OBJECT_MAX + 256) /* with what the chain adds */

/* The last line of a chain. */
struct toll_audit_link {
	uint64_t seq;                   /* 0: there is none yet */
	char hash[TOLL_AUDIT_HASH + 1]; /* hexadecimal, lower case */
};

struct toll_audit_link toll_audit_start(void);

/* The line that follows `last`, newline included; *ret is the chain with it. object: a JSON object
 * on one line, without members seq, prev and hash. TOLL_EINVALID: it is none; TOLL_ETOOBIG. Returns
 * the length. */
int toll_audit_line_write(const struct toll_audit_link *last, struct toll_slice object,
                          char out[TOLL_AUDIT_LINE_MAX],
                          struct toll_audit_link *ret) TOLL_MUST_CHECK;

/* line: without its newline. *ret_prev: what the line says that was before it. NULL when it is
 * whole in itself, else what is wrong with it. */
const char *toll_audit_line_read(struct toll_slice line, struct toll_audit_link *ret_prev,
                                 struct toll_audit_link *ret) TOLL_MUST_CHECK;

#endif
