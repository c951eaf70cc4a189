/* Writes public-keys.yaml for `referralctl keys`: what keyring.c reads. */
#include <assert.h>
#include <inttypes.h>

#include "model/calendar.h"
#include "wire/keyring.h"

static enum err date_write(struct buf *out, const char *name, int32_t day)
{
    char text[CIVIL_TEXT_BYTES];
    civil_format(day, text);
    return buf_printf(out, "    %s: %s\n", name, text);
}

enum err key_row_write(const struct key_entry *entry, struct buf *out)
{
    char key[2 * 32 + 1];
    char id_text[2 * KEY_ID_BYTES + 1];
    struct key_id id = key_id_of(entry->public_key);
    hex_encode(span_of(entry->public_key, 32), key);
    hex_encode(span_of(id.bytes, KEY_ID_BYTES), id_text);
    enum err error =
        buf_printf(out, "  - owner: %s\n    use: %s\n    key: \"%s\"\n    id: \"%s\"\n",
                   entry->owner, key_use_name(entry->use), key, id_text);
    if (error == OK && entry->from_ms != 0) {
        error = date_write(out, "valid-from", civil_day_at(entry->from_ms));
    }
    if (error == OK && entry->to_ms != UINT64_MAX) {
        assert(entry->to_ms > 0);
        error = date_write(out, "valid-to", civil_day_at(entry->to_ms - 1));
    }
    if (error == OK && entry->retired) {
        error = buf_append_text(out, "    retired: true\n");
    }
    if (error == OK && entry->endorsed) {
        error = buf_append_text(out, "    root-signature: \"");
        error =
            error == OK ? base64_encode(span_of(entry->endorsement, SIGNATURE_BYTES), out) : error;
        error = error == OK ? buf_append_text(out, "\"\n") : error;
    }
    return error;
}

enum err keyring_write(const char *origin, const struct key_entry *entries, size_t entry_count,
                       struct buf *out)
{
    assert(origin != NULL && entries != NULL && entry_count >= 1);
    enum err error = buf_printf(out,
                                "# The public keys of all agencies and of the broker. No secret "
                                "stands here.\norigin: %s\n%skeys:\n",
                                origin, crypto_suite() == SUITE_SM ? "suite: sm\n" : "");
    for (size_t i = 0; error == OK && i < entry_count; i++) {
        error = key_row_write(&entries[i], out);
    }
    return error;
}
