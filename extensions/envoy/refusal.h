/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.h - what a client that is turned away is told: headers and a JSON body. */
#ifndef TOLL_EXTENSIONS_ENVOY_REFUSAL_H
#define TOLL_EXTENSIONS_ENVOY_REFUSAL_H

#include "budget/flags.h"
#include "extensions/envoy/message.h"
#include "proto/json_write.h"

/* {"throttled":true,"subject":...,"reason":"...","allowed":...,"retry_after_s":...,"until_ms":...}
 */
#define TOLL_ENVOY_BODY_MAX (6 * TOLL_SUBJECT_MAX + 256)

/* The texts that a refusal borrows. */
struct toll_envoy_refusal_text {
	char retry_after[16];
	char body[TOLL_ENVOY_BODY_MAX];
};

/* Everything a refusal takes, headers included. */
#define TOLL_ENVOY_REFUSAL_MAX (sizeof(struct toll_envoy_refusal_text) + 256)

/* a does not allow. text and a live as long as *ret. */
void toll_envoy_refuse(const struct toll_flag_answer *a, uint32_t http_status,
                       struct toll_envoy_refusal_text *text, struct toll_envoy_refusal *ret);

#endif
