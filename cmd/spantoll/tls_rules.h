/* SPDX-License-Identifier: Apache-2.0 */
/* tls_rules.h - the certificates and keys that a configuration names: are they there, are they what
 * they are said to be, and do they belong together? */
#ifndef TOLL_CMD_TLS_RULES_H
#define TOLL_CMD_TLS_RULES_H

#include "config/config.h"

/* Opens the files of every `tls` of a component that is used. What is not there is a warning: the
 * file may be another machine's; what is there and wrong is an error. */
void toll_tls_rules_check(const struct toll_config *config, struct toll_findings *findings);

#endif
