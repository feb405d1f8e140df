/* SPDX-License-Identifier: Apache-2.0 */
/* http_headers.h - what OTLP/HTTP reads from request headers: media type and coding. Pure. */
#ifndef TOLL_RECEIVERS_OTLP_HTTP_HEADERS_H
#define TOLL_RECEIVERS_OTLP_HTTP_HEADERS_H

#include "config/schema.h"
#include "net/inflate.h"
#include "receivers/otlp/response.h"

/* Content-Type, parameters ignored; text NULL: absent. False: not one that OTLP knows. */
bool toll_otlp_read_type(const char *text, enum toll_otlp_format *ret);
const char *toll_otlp_type(enum toll_otlp_format format); /* the other way round */

/* Content-Encoding: one coding, or none. TOLL_ENCODING_UNKNOWN: another, or several. */
enum toll_encoding toll_otlp_read_coding(const char *text);

/* A name in compression_algorithms: "" is identity, as in the Collector. TOLL_ENCODING_UNKNOWN: not
 * one of ours. */
enum toll_encoding toll_otlp_coding_named(struct toll_slice name);
/* One bit per enum toll_encoding; an empty list means all. deflate brings zlib. */
unsigned toll_otlp_coding_set(const struct toll_slice_list *names);
/* "gzip, deflate, zlib, zstd" of those that are on, for Accept-Encoding and sentences. */
#define TOLL_CODINGS_MAX 48
const char *toll_otlp_print_codings(unsigned set, char buf[TOLL_CODINGS_MAX]);

#endif
