/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/envoy/refusal.h"

static struct toll_slice write_body(const struct toll_flag_answer *a, const char *reason, char *out)
{
	char *at = toll_json_raw(out, TOLL_SLICE("{\"throttled\":true,\"subject\":"));

	at = toll_json_string(at, toll_slice_str(a->subject));
	at = toll_json_raw(at, TOLL_SLICE(",\"reason\":"));
	at = toll_json_string(at, toll_slice_str(reason));
	at = toll_json_raw(at, TOLL_SLICE(",\"allowed\":"));
	at = toll_json_double(at, a->allowed);
	at = toll_json_raw(at, TOLL_SLICE(",\"retry_after_s\":"));
	at = toll_json_uint(at, a->retry_after_s);
	at = toll_json_raw(at, TOLL_SLICE(",\"until_ms\":"));
	at = toll_json_uint(at, a->until_ms);
	at = toll_json_raw(at, TOLL_SLICE("}\n"));
	return toll_slice(out, (size_t)(at - out));
}

void toll_envoy_refuse(const struct toll_flag_answer *a, uint32_t http_status,
                       struct toll_envoy_refusal_text *text, struct toll_envoy_refusal *ret)
{
	const char *reason = toll_flag_reason_name(a->reason);
	char *end = toll_json_uint(text->retry_after, a->retry_after_s);

	ret->status = http_status;
	ret->header_count = 0;
	ret->headers[ret->header_count++] = (struct toll_envoy_entry){
		TOLL_SLICE("retry-after"),
		toll_slice(text->retry_after, (size_t)(end - text->retry_after)),
	};
	ret->headers[ret->header_count++] =
		(struct toll_envoy_entry){ TOLL_SLICE("x-spantoll-reason"),
		                           toll_slice_str(reason) };
	ret->headers[ret->header_count++] =
		(struct toll_envoy_entry){ TOLL_SLICE("content-type"),
		                           TOLL_SLICE("application/json") };
	ret->body = write_body(a, reason, text->body);
}
