/* SPDX-License-Identifier: Apache-2.0 */
/* http_header.h - which headers a user may put into requests of ours. Pure. */
#ifndef TOLL_NET_HTTP_HEADER_H
#define TOLL_NET_HTTP_HEADER_H

#include <stdbool.h>

#include "base/slice.h"

/* A token of RFC 9110, section 5.6.2. */
bool toll_http_is_header_name(struct toll_slice name);
/* Printable ASCII. */
bool toll_http_is_header_value(struct toll_slice value);
/* What body, encoding and connection decide: content-type, content-length and so on. */
bool toll_http_is_framing_header(struct toll_slice name);

#endif
