/* Intake: parse, find the key, verify the one signature. The order is the cheapest first, so that
 * garbage costs a scan and only a plausible request costs a signature check. */
#include "broker/intake.h"

#include <stdlib.h>
#include <string.h>

static enum err refuse(struct intake_context *ctx, const struct intake *intake,
                       enum refusal refusal, const struct fault *fault, struct buf *ret_answer)
{
    struct reply_head head = {.version = WIRE_VERSION, .code = refusal};
    struct buf bytes;

    atomic_fetch_add(&ctx->strangers, 1);
    if (fault != NULL && fault->place[0] != '\0') {
        size_t len = strnlen(fault->place, sizeof(head.detail) - 1);

        memcpy(head.detail, fault->place, len);
    }
    head.request_digest = intake->request.head_digest;
    buf_init(&bytes, LIMIT_REQUEST_BYTES);
    if (reply_head_encode(&head, &bytes) != OK ||
        reply_encode(span_buf(&bytes), NULL, ret_answer) != OK) {
        buf_clear(ret_answer);
    }
    buf_free(&bytes);
    return ERR_REFUSED;
}

/* Copied out under the lock: both lists may be others a moment later. ERR_NOT_FOUND: no such
 * agency; ERR_REFUSED: no such key of it. */
static enum err find_key(struct intake_context *ctx, struct intake *intake,
                         uint8_t ret_public_key[SIGN_PUBLIC_BYTES], struct fault *fault)
{
    const struct request_head *head = &intake->request.head;
    const struct agency *agency;
    const struct key_entry *key;
    enum err error = ERR_NOT_FOUND;

    (void)pthread_rwlock_rdlock(&ctx->lock);
    agency = registry_find(ctx->registry, head->agency);
    if (agency != NULL) {
        intake->number = agency->number;
        error = keyring_find(ctx->keyring, head->agency, intake->request.key,
                             atomic_load(&ctx->now_ms), &key) == OK &&
                        key->use == KEY_SIGN
                    ? OK
                    : ERR_REFUSED;
    }
    if (error == OK) {
        memcpy(ret_public_key, key->public_key, SIGN_PUBLIC_BYTES);
    } else if (agency != NULL) {
        keyring_explain(ctx->keyring, head->agency, intake->request.key, atomic_load(&ctx->now_ms),
                        fault);
    }
    (void)pthread_rwlock_unlock(&ctx->lock);
    return error;
}

static enum err verify(struct intake_context *ctx, struct intake *intake, struct buf *ret_answer)
{
    const struct request *request = &intake->request;
    struct fault fault = {.code = ""};
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    enum err error;

    if (request->head.version != WIRE_VERSION) {
        return refuse(ctx, intake, REFUSAL_VERSION, NULL, ret_answer);
    }
    if (request->suite != crypto_suite()) {
        return refuse(ctx, intake, REFUSAL_SUITE, NULL, ret_answer);
    }
    error = find_key(ctx, intake, public_key, &fault);
    if (error != OK) {
        return refuse(ctx, intake,
                      error == ERR_NOT_FOUND ? REFUSAL_AGENCY_UNKNOWN : REFUSAL_KEY_UNKNOWN, &fault,
                      ret_answer);
    }
    if (request_verify(request, public_key) != OK) {
        return refuse(ctx, intake, REFUSAL_SIGNATURE, NULL, ret_answer);
    }
    return OK;
}

enum err intake_open(struct intake_context *ctx, struct span bytes, struct intake **ret_intake,
                     struct buf *ret_answer)
{
    struct intake *intake = calloc(1, sizeof(*intake));
    struct fault fault = {.code = ""};
    enum err error;

    if (intake == NULL) {
        return ERR_REFUSED;
    }
    region_init(&intake->region, LIMIT_PARSE_BYTES(bytes.len));
    error = request_parse(bytes, &intake->region, &intake->request, &fault);
    if (error != OK) {
        error = refuse(ctx, intake, REFUSAL_MALFORMED, &fault, ret_answer);
    } else {
        error = verify(ctx, intake, ret_answer);
    }
    if (error != OK) {
        intake_free(intake);
        return error;
    }
    *ret_intake = intake;
    return OK;
}

/* A public key of use tls among the agency's rows: any that is not this one speaks against it. */
static bool is_registered(const struct keyring *keyring, const char *agency,
                          const struct digest *key, uint64_t now_ms)
{
    bool any = false;

    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);

        if (entry->use != KEY_TLS || strcmp(entry->owner, agency) != 0) {
            continue;
        }
        any = true;
        if (key_is_in_force(entry, now_ms) &&
            memcmp(entry->public_key, key->bytes, DIGEST_BYTES) == 0) {
            return true;
        }
    }
    return !any;
}

void intake_compare(struct intake_context *ctx, struct intake *intake, const struct link_peer *peer)
{
    const char *agency = intake->request.head.agency;

    if (peer == NULL) {
        return;
    }
    (void)pthread_rwlock_rdlock(&ctx->lock);
    intake->certificate_differs =
        strcmp(peer->agency, agency) != 0 ||
        !is_registered(ctx->keyring, agency, &peer->key, atomic_load(&ctx->now_ms));
    (void)pthread_rwlock_unlock(&ctx->lock);
}

void intake_free(struct intake *intake)
{
    if (intake == NULL) {
        return;
    }
    region_free(&intake->region);
    free(intake);
}
