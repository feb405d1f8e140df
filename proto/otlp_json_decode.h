/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_decode.h - OTLP/JSON ExportTraceServiceRequest -> the same request in protobuf, which
 * toll_otlp_decode() then makes views of.
 *
 * The mapping is that of proto3 JSON with the changes of the OTLP specification ("JSON Protobuf
 * Encoding"): trace and span ids are hex in either case; 64-bit integers are numbers or strings;
 * doubles may be "NaN", "Infinity", "-Infinity"; bytesValue is base64 of either alphabet with or
 * without padding; null is absence; unknown fields are skipped; of a scalar given twice the last
 * counts. More is accepted than the specification asks for, where Google's parsers and the
 * Collector accept it too and the data would otherwise be lost behind a 200: snake_case keys
 * (trace_id), names of enum values (SPAN_KIND_SERVER), whole numbers written 1.0 or 1e3. null in an
 * array is an empty element, as in the Collector. A lone surrogate becomes U+FFFD: JavaScript
 * writes one where it cuts a string.
 *
 * Ids of a wrong length are left to toll_otlp_decode(), which drops those spans alone; so are its
 * limits on spans, attributes and the depth of values. */
#ifndef TOLL_PROTO_OTLP_JSON_DECODE_H
#define TOLL_PROTO_OTLP_JSON_DECODE_H

#include "base/error.h"
#include "base/slice.h"

/* Objects and arrays in one another, those that are skipped included: a little more than the
 * deepest values take that toll_otlp_decode() lets through. */
#define TOLL_OTLP_JSON_DEPTH 128u

/* No text of that length becomes longer. (Only "kind":-1 grows, from 10 bytes to 11.) */
#define TOLL_OTLP_JSON_ROOM(len) ((size_t)(len) + (size_t)(len) / 8 + 64)

/* Writes at most `room` bytes to out; *ret_len: how many. text is changed (lone surrogates) and
 * borrowed for the call only; out must not overlap it. 0; TOLL_EINVALID: no such JSON;
 * TOLL_ETOOBIG: room is too small, which TOLL_OTLP_JSON_ROOM() never is; TOLL_ENOMEM. The sentence
 * names the byte and the path: "not an integer, at byte 311,
 * resourceSpans[0].scopeSpans[0].spans[3].kind"; it has nothing of the text in it.
 *
 * Memory: one block of 4 * len + 64 KiB for the length of the call, of which a few KiB are touched
 * and twice the longest string that has an escape; together with text and out less than 5 times the
 * text. Any thread; no state is kept. */
int toll_otlp_json_decode(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                          struct toll_error *reterr) TOLL_MUST_CHECK;

/* The same for what servers answer: ExportTraceServiceResponse, and google.rpc.Status without its
 * details. */
int toll_otlp_json_decode_response(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                                   struct toll_error *reterr) TOLL_MUST_CHECK;
int toll_otlp_json_decode_status(char *text, size_t len, char *out, size_t room, size_t *ret_len,
                                 struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
