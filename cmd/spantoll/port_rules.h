/* SPDX-License-Identifier: Apache-2.0 */
/* port_rules.h - no two components take connections at the same port or socket: the second would
 * fail at its start. */
#ifndef TOLL_CMD_PORT_RULES_H
#define TOLL_CMD_PORT_RULES_H

#include "config/config.h"

/* Adds findings, at the later one of two; does not sort them. */
void toll_port_rules_check(const struct toll_config *config, struct toll_findings *findings);

#endif
