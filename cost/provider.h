/* SPDX-License-Identifier: Apache-2.0 */
/* provider.h - the one name of who sells a model, out of the many that spans and rules call it by.
 */
#ifndef TOLL_COST_PROVIDER_H
#define TOLL_COST_PROVIDER_H

#include "base/slice.h"

/* The id of provider.def for any of its names, in any case: "AWS.Bedrock" is "aws"; also with a
 * further part behind a dot: "openai.chat" is "openai". {NULL, 0}: not listed. Lives forever. */
struct toll_slice toll_provider_id(struct toll_slice name);

#endif
