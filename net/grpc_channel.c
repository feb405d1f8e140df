/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_channel.h"

#include <grpc/compression.h>
#include <grpc/grpc_security.h>

#include "base/version.h"
#include "net/grpc_args.h"

/* ---- arguments ---- */

/* Same for every client: no proxy out of the environment, no settings out of DNS, a connection of
 * our own, and nothing is inflated before we have seen its size. */
static void add_common(struct toll_grpc_args *a)
{
	toll_grpc_add_int(a, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
	toll_grpc_add_int(a, GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
	                  1 << GRPC_COMPRESS_NONE | 1 << GRPC_COMPRESS_GZIP);
	toll_grpc_add_int(a, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
	toll_grpc_add_int(a, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
	toll_grpc_add_int(a, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
	toll_grpc_add_int(a, GRPC_ARG_ENABLE_CHANNELZ, 0);
	toll_grpc_add_int(a, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
	toll_grpc_add_text(a, GRPC_ARG_PRIMARY_USER_AGENT_STRING, "spantoll/" TOLL_VERSION);
}

static void add_keepalive(struct toll_grpc_args *a, const struct toll_grpc_client_settings *set)
{
	if (!set->keepalive_time_ns)
		return;
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_TIME_MS, toll_grpc_ms(set->keepalive_time_ns));
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
	                  toll_grpc_ms(set->keepalive_timeout_ns));
	toll_grpc_add_int(a, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS,
	                  set->keepalive_permit_without_calls);
}

static void add_chosen(struct toll_grpc_args *a, const struct toll_grpc_client_settings *set)
{
	toll_grpc_add_int(a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
	                  toll_grpc_int(set->max_response_bytes ? set->max_response_bytes
	                                                        : TOLL_GRPC_RESPONSE_MAX));
	if (set->gzip)
		toll_grpc_add_int(a, GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
		                  GRPC_COMPRESS_GZIP);
	if (set->read_buffer_bytes)
		toll_grpc_add_int(a, GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE,
		                  toll_grpc_int(set->read_buffer_bytes));
	if (set->write_buffer_bytes)
		toll_grpc_add_int(a, GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE,
		                  toll_grpc_int(set->write_buffer_bytes));
	if (set->round_robin)
		toll_grpc_add_text(a, GRPC_ARG_LB_POLICY_NAME, "round_robin");
	if (set->authority)
		toll_grpc_add_text(a, GRPC_ARG_DEFAULT_AUTHORITY, set->authority);
	if (set->tls && set->tls->server_name)
		toll_grpc_add_text(a, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, set->tls->server_name);
	add_keepalive(a, set);
}

/* ---- credentials ---- */

static void set_certificates(grpc_tls_credentials_options *o,
                             const struct toll_grpc_client_tls *tls)
{
	grpc_tls_identity_pairs *pairs = NULL;
	grpc_tls_certificate_provider *provider;

	if (!tls->ca_pem && !tls->cert_pem)
		return; /* core finds the system's */
	if (tls->cert_pem) {
		pairs = grpc_tls_identity_pairs_create();
		grpc_tls_identity_pairs_add_pair(pairs, tls->key_pem, tls->cert_pem);
	}
	provider = grpc_tls_certificate_provider_static_data_create(tls->ca_pem, pairs);
	grpc_tls_credentials_options_set_certificate_provider(o, provider);
	grpc_tls_certificate_provider_release(provider);
	if (tls->ca_pem)
		grpc_tls_credentials_options_watch_root_certs(o);
	if (tls->cert_pem)
		grpc_tls_credentials_options_watch_identity_key_cert_pairs(o);
}

static void set_verifier(grpc_tls_credentials_options *o, bool skip)
{
	grpc_tls_certificate_verifier *v = skip ? grpc_tls_certificate_verifier_no_op_create()
	                                        : grpc_tls_certificate_verifier_host_name_create();

	grpc_tls_credentials_options_set_certificate_verifier(o, v);
	grpc_tls_certificate_verifier_release(v);
	grpc_tls_credentials_options_set_verify_server_cert(o, !skip);
	grpc_tls_credentials_options_set_check_call_host(o, !skip);
}

/* core's newer interface: the older one cannot skip verification. TLS 1.2 and 1.3. */
static grpc_channel_credentials *secure(const struct toll_grpc_client_tls *tls)
{
	grpc_tls_credentials_options *o = grpc_tls_credentials_options_create();

	set_certificates(o, tls);
	set_verifier(o, tls->skip_verify);
	return grpc_tls_credentials_create(o);
}

grpc_channel *toll_grpc_channel_open(const struct toll_grpc_client_settings *set)
{
	grpc_channel_credentials *credentials =
		set->tls ? secure(set->tls) : grpc_insecure_credentials_create();
	struct toll_grpc_args a = { .count = 0 };
	grpc_channel_args args;
	grpc_channel *channel;

	if (!credentials)
		return NULL;
	add_common(&a);
	add_chosen(&a, set);
	args = (grpc_channel_args){ a.count, a.list };
	channel = grpc_channel_create(set->target, credentials, &args);
	grpc_channel_credentials_release(credentials);
	return channel;
}
