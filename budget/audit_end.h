/* SPDX-License-Identifier: Apache-2.0 */
/* audit_end.h - where a file of the audit log ends: its last whole line. */
#ifndef TOLL_BUDGET_AUDIT_END_H
#define TOLL_BUDGET_AUDIT_END_H

#include "budget/audit_line.h"

struct toll_audit_end {
	uint64_t size;      /* bytes up to there; what follows is an unfinished line */
	uint64_t first_seq; /* of the file; 0: it has no line */
	struct toll_audit_link last;
};

/* Lines are written one by one, so that only the last one can be unfinished: without its newline,
 * or with holes. TOLL_EINVALID: this is no audit log, or its first or last line was changed;
 * TOLL_EDOWN: it cannot be read. path: for the sentence. */
int toll_audit_end_read(int fd, const char *path, uint64_t size, struct toll_audit_end *ret,
                        struct toll_error *reterr) TOLL_MUST_CHECK;
/* The same of a file that is not open. */
int toll_audit_end_of(const char *path, struct toll_audit_end *ret,
                      struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
