/* Hashes and encodings that outside services ask for: the signature of a chat robot, the checksum
 * of a gateway's request. Nothing of ours is trusted by them; our own signatures and MACs are in
 * crypto.h. Pure; any thread after crypto_init. */
#ifndef REFERRAL_BASE_WEB_HASH_H
#define REFERRAL_BASE_WEB_HASH_H

#include "base/bytes.h"

#define WEB_MD5_BYTES    16
#define WEB_SHA256_BYTES 32

void web_hmac_sha256(struct span key, struct span data, uint8_t out[WEB_SHA256_BYTES]);
/* Of a gateway that wants nothing better; ERR_REFUSED where the machine's policy has no MD5. */
enum err web_md5(struct span data, uint8_t out[WEB_MD5_BYTES]) MUST_CHECK;
/* Everything but the unreserved characters of RFC 3986 as %XX, for a part of an address. */
enum err web_percent(struct span data, struct buf *out) MUST_CHECK;

#endif
