/* SPDX-License-Identifier: Apache-2.0 */
/* findings_json.h - what is wrong with a configuration or a price document, for programs. */
#ifndef TOLL_CMD_FINDINGS_JSON_H
#define TOLL_CMD_FINDINGS_JSON_H

#include "config/config.h"

/* On stdout: {"valid", "truncated", "findings": [{severity, file, line, column, path, text}]}. */
void toll_findings_json(const struct toll_findings *findings);

#endif
