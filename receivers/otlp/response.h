/* SPDX-License-Identifier: Apache-2.0 */
/* response.h - what a client is told: ExportTraceServiceResponse, or google.rpc.Status. */
#ifndef TOLL_RECEIVERS_OTLP_RESPONSE_H
#define TOLL_RECEIVERS_OTLP_RESPONSE_H

#include <stdint.h>

#include "base/slice.h"

/* Of requests, and of their answers. JSON: the mapping of proto3, ids of fields in lowerCamelCase.
 */
enum toll_otlp_format { TOLL_OTLP_PROTOBUF = 0, TOLL_OTLP_JSON };

#define TOLL_RESPONSE_MAX 2048

/* A full success is empty (JSON: {}); with rejected spans it says how many and why (enum toll_drop
 * of the first). Written into buf. */
struct toll_slice toll_otlp_response(enum toll_otlp_format format, uint32_t rejected,
                                     uint8_t reason, char buf[TOLL_RESPONSE_MAX]);

/* google.rpc.Status; with RetryInfo unless delay_ms is 0. The message is cut to 255 bytes. */
struct toll_slice toll_otlp_status(enum toll_otlp_format format, int grpc_status,
                                   const char *message, uint32_t delay_ms,
                                   char buf[TOLL_RESPONSE_MAX]);

/* 1 to 5 s, spread evenly, so that refused clients do not come back together. */
uint32_t toll_retry_delay_ms(void);

#endif
