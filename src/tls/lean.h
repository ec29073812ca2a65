/* src/tls/lean.h - a library context that knows only what TLS servers need. Private to src/tls; any thread.
 *
 * OpenSSL 3.0 decodes the public key of each certificate it is sent by asking every decoder and every key
 * type of the provider in turn: most of the cost of a handshake. Here the default provider is shown with the
 * few that can be in a client's certificate (docs/decisions/tls-cost.md).
 */
#pragma once
#include <openssl/types.h>

/* The process's one, made at the first call and kept. NULL (the default context) when it cannot be made. */
OSSL_LIB_CTX *tls_lean_lib(void);
