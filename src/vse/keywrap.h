/* src/vse/keywrap.h - keys under keys: AES key wrap (RFC 3394), and blobs that only this part opens. Pure
 * apart from allocation and randomness; any thread. Done by OpenSSL. */
#pragma once
#include "base/buf.h"

/* RFC 3394 with an AES key of 16, 24 or 32 bytes; appends the key inside. ERR_INVALID: lengths do not fit;
 * ERR_AUTH: not wrapped with this key; ERR_TOO_BIG, ERR_NOMEM. */
err_t vse_key_unwrap(struct slice kek, struct slice wrapped, struct buf *out);

enum { VSE_BLOB_NONCE = 12, VSE_BLOB_TAG = 16 };

/* AES-256-GCM with a nonce of its own: nonce, ciphertext, tag. `about` is not inside but must be the same
 * when it is opened. ERR_CRYPTO, ERR_TOO_BIG, ERR_NOMEM. */
err_t vse_blob_seal(struct slice key, struct slice about, struct slice plain, struct buf *out);
/* ERR_AUTH: not such a blob, of another part, or about something else. */
err_t vse_blob_open(struct slice key, struct slice about, struct slice blob, struct buf *out);
