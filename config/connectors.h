/* SPDX-License-Identifier: Apache-2.0 */
/* connectors.h - what holds between pipelines that are joined by connectors. */
#ifndef TOLL_CONFIG_CONNECTORS_H
#define TOLL_CONFIG_CONNECTORS_H

#include "config/parse.h"

/* A connector ends a pipeline and begins another one; spans never come by twice. Findings for those
 * that do only one of it, and for the first circle of pipelines. */
void toll_connectors_check(struct toll_parser *p, const struct toll_config *config);

#endif
