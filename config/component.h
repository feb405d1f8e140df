/* SPDX-License-Identifier: Apache-2.0 */
/* component.h - one section of the file: ids, their types, and settings by the types' tables. */
#ifndef TOLL_CONFIG_COMPONENT_H
#define TOLL_CONFIG_COMPONENT_H

#include "config/parse.h"

/* Fills config's components of the section; entry may be NULL: the file has no such section. */
void toll_components_parse(struct toll_parser *p, enum toll_section section,
                           const struct toll_yaml_entry *entry, struct toll_config *config);

#endif
