/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - what must not be shown although no field table calls it a secret. */
#ifndef TOLL_CONFIG_SECRET_H
#define TOLL_CONFIG_SECRET_H

#include <stdbool.h>

#include "base/arena.h"

#define TOLL_SECRET_HIDDEN "[REDACTED]"

/* A key of a mapping (headers, options) whose value is probably one: Authorization, x-api-key,
 * *password*, *token* ... Case does not count. */
bool toll_secret_is_key(struct toll_slice key);

/* "redis://me:pw@host" -> "redis://me:[REDACTED]@host"; other text as it is. {NULL, 0}: out of
 * memory. */
struct toll_slice toll_secret_hide_userinfo(struct toll_arena *arena, struct toll_slice text);

#endif
