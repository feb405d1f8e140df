/* SPDX-License-Identifier: Apache-2.0 */
/* nesting.h - checks what the scanner does not look into: values, events, links. No recursion.
 * Private to proto/. */
#ifndef TOLL_PROTO_NESTING_H
#define TOLL_PROTO_NESTING_H

#include "base/error.h"
#include "base/macro.h"
#include "base/slice.h"

enum toll_message {
	TOLL_MESSAGE_ANY_VALUE = 0,
	TOLL_MESSAGE_ARRAY,
	TOLL_MESSAGE_KVLIST,
	TOLL_MESSAGE_KEY_VALUE,
	TOLL_MESSAGE_EVENT,
	TOLL_MESSAGE_LINK,
};

/* 0; TOLL_EINVALID: malformed; TOLL_ETOOBIG: nested deeper than TOLL_MAX_DEPTH. */
int toll_check_nesting(enum toll_message kind, struct toll_slice message) TOLL_MUST_CHECK;

#endif
