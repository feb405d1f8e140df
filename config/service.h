/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - the `service` section: which components are used, in which pipelines, and telemetry.
 */
#ifndef TOLL_CONFIG_SERVICE_H
#define TOLL_CONFIG_SERVICE_H

#include "config/parse.h"

/* Fills config's pipelines, extensions and telemetry; the components are there already. entry may
 * be NULL: the file has no such section. */
void toll_service_parse(struct toll_parser *p, const struct toll_yaml_entry *entry,
                        struct toll_config *config);

/* "receiver" for TOLL_SECTION_RECEIVERS, and "receivers". */
const char *toll_section_one(enum toll_section section);
const char *toll_section_key(enum toll_section section);

bool toll_config_is_among(struct toll_config_component *const *list, size_t count,
                          const struct toll_config_component *c);

/* NULL when absent. */
struct toll_config_component *toll_config_find(const struct toll_config *c,
                                               enum toll_section section, struct toll_slice id);

#endif
