/* STORE_OFFICE: 'o' | name -> one JSON object, members as below: officers are few, and what is
 * known of them grows. 'x' -> be64, the last try under a name that nobody has. */
#include "agent/web/officer.h"

#include <string.h>

#include "base/crypto.h"

#define OFFICER_JSON_MAX 2048u

static const struct {
    const char *id;
    uint32_t role;
} roles[] = {{"member", OFFICER_MEMBER}, {"leader", OFFICER_LEADER}, {"manager", OFFICER_MANAGER}};

bool officer_name_valid(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len < OFFICER_NAME_BYTES && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") == len;
}

static uint32_t role_of(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strlen(roles[i].id) == len && memcmp(roles[i].id, text, len) == 0) {
            return roles[i].role;
        }
    }
    return 0;
}

uint32_t officer_roles_parse(const char *text)
{
    uint32_t all = 0;

    for (const char *at = text; at != NULL;) {
        const char *comma = strchr(at, ',');
        uint32_t role = role_of(at, comma != NULL ? (size_t)(comma - at) : strlen(at));

        if (role == 0) {
            return 0;
        }
        all |= role;
        at = comma != NULL ? comma + 1 : NULL;
    }
    return all;
}

struct officer_key {
    uint8_t bytes[1 + OFFICER_NAME_BYTES];
    size_t len;
};

static struct officer_key key_of(const char *name)
{
    struct officer_key key = {.bytes = {'o'}, .len = 1 + strlen(name)};

    text_copy((char *)key.bytes + 1, OFFICER_NAME_BYTES, name);
    return key;
}

/* --- the row --- */

static void put_text(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

static void put_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

static enum err pack(const struct officer *officer, struct buf *text)
{
    struct json_writer out;

    json_writer_init(&out, text);
    json_object_begin(&out);
    put_text(&out, "name", officer->name);
    put_text(&out, "shown", officer->shown);
    put_text(&out, "office", officer->office);
    put_u64(&out, "roles", officer->roles);
    put_text(&out, "password", officer->password);
    put_u64(&out, "must_change", officer->must_change);
    put_u64(&out, "disabled", officer->disabled);
    put_u64(&out, "failures", officer->failures);
    put_u64(&out, "locked_until", officer->locked_until_ms);
    put_u64(&out, "last_login", officer->last_login_ms);
    put_u64(&out, "language", officer->language);
    put_u64(&out, "large", officer->large);
    json_object_end(&out);
    return json_writer_end(&out);
}

static uint64_t get_u64(const struct json_value *row, const char *name)
{
    struct json_value value = json_member(row, name);
    uint64_t number = 0;

    return json_get_u64(&value, 0, INT64_MAX, &number, NULL) == OK ? number : 0;
}

static enum err get_text(const struct json_value *row, const char *name, char *to, size_t size)
{
    struct json_value value = json_member(row, name);
    const char *text;
    enum err error = json_get_text(&value, size - 1, &text, NULL);

    if (error == OK) {
        text_copy(to, size, text);
    }
    return error == OK ? OK : ERR_CORRUPT;
}

static enum err unpack(struct span text, struct officer *officer)
{
    struct json *json;
    struct json_value row;
    enum err error = json_open("officer", text, &json, NULL);

    if (error != OK) {
        return error == ERR_MEMORY ? error : ERR_CORRUPT;
    }
    memset(officer, 0, sizeof(*officer));
    row = json_root(json);
    error = get_text(&row, "name", officer->name, sizeof(officer->name));
    error = error == OK ? get_text(&row, "shown", officer->shown, sizeof(officer->shown)) : error;
    error =
        error == OK ? get_text(&row, "office", officer->office, sizeof(officer->office)) : error;
    error = error == OK ? get_text(&row, "password", officer->password, sizeof(officer->password))
                        : error;
    officer->roles = (uint32_t)get_u64(&row, "roles");
    officer->must_change = get_u64(&row, "must_change") != 0;
    officer->disabled = get_u64(&row, "disabled") != 0;
    officer->failures = (uint32_t)get_u64(&row, "failures");
    officer->locked_until_ms = get_u64(&row, "locked_until");
    officer->last_login_ms = get_u64(&row, "last_login");
    officer->language = get_u64(&row, "language") == LANGUAGE_EN ? LANGUAGE_EN : LANGUAGE_ZH;
    officer->large = get_u64(&row, "large") != 0;
    json_free(json);
    return error;
}

/* --- read and write --- */

enum err officer_get(struct store *store, const char *name, struct officer *ret_officer)
{
    struct officer_key key;
    struct store_txn *read;
    struct span text;
    enum err error;

    if (!officer_name_valid(name)) {
        return ERR_NOT_FOUND;
    }
    error = store_read_begin(store, &read);
    if (error != OK) {
        return error;
    }
    key = key_of(name);
    error = store_get(read, STORE_OFFICE, span_of(key.bytes, key.len), &text);
    if (error == OK) {
        error = unpack(text, ret_officer);
    }
    store_read_end(read);
    return error;
}

enum err officer_put(struct store *store, const struct officer *officer)
{
    struct officer_key key = key_of(officer->name);
    struct store_txn *txn;
    struct buf text;
    enum err error;

    buf_init(&text, OFFICER_JSON_MAX);
    error = pack(officer, &text);
    if (error == OK) {
        error = store_begin(store, &txn);
    }
    if (error == OK) {
        error = store_put(txn, STORE_OFFICE, span_of(key.bytes, key.len), span_buf(&text));
        if (error == OK) {
            error = store_commit(txn);
        } else {
            store_abort(txn);
        }
    }
    buf_free(&text);
    return error;
}

enum err officer_next(struct store *store, const char *after, struct officer *ret_officer)
{
    const struct officer_key last = key_of(after);
    struct store_cursor *cursor = NULL;
    struct store_txn *read;
    struct span key, text;
    enum err error = store_read_begin(store, &read);

    if (error != OK) {
        return error;
    }
    error = store_cursor_open(read, STORE_OFFICE, span_text("o"), &cursor);
    if (error == OK) {
        error = store_cursor_seek(cursor, span_of(last.bytes, last.len), &key, &text);
    }
    if (error == OK && span_equal(key, span_of(last.bytes, last.len))) {
        error = store_cursor_next(cursor, &key, &text);
    }
    if (error == OK) {
        error = unpack(text, ret_officer);
    }
    store_cursor_close(cursor);
    store_read_end(read);
    return error;
}

/* --- the lock --- */

bool officer_locked(const struct officer *officer, uint64_t now_ms)
{
    return officer->locked_until_ms > now_ms;
}

void officer_failed(struct officer *officer, uint64_t now_ms)
{
    officer->failures++;
    if (officer->failures >= OFFICER_FAILURES_MAX) {
        officer->failures = 0;
        officer->locked_until_ms = now_ms + OFFICER_LOCKED_MS;
    }
}

void officer_entered(struct officer *officer, uint64_t now_ms)
{
    officer->failures = 0;
    officer->locked_until_ms = 0;
    officer->last_login_ms = now_ms;
}

enum err officer_nobody(struct store *store, uint64_t now_ms)
{
    struct store_txn *txn;
    uint8_t at[8];
    enum err error = store_begin(store, &txn);

    if (error != OK) {
        return error;
    }
    be64_put(at, now_ms);
    error = store_put(txn, STORE_OFFICE, span_text("x"), span_of(at, sizeof(at)));
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

void officer_password_new(char out[OFFICER_GIVEN_BYTES])
{
    static const char signs[] = "abcdefghjkmnpqrstuvwxyz23456789"; /* 31, nothing looks alike */
    size_t at = 0;

    while (at < OFFICER_GIVEN_BYTES - 1) {
        uint8_t byte;

        if (at % 5 == 4) {
            out[at++] = '-';
            continue;
        }
        crypto_random(&byte, 1);
        if (byte < 8 * (sizeof(signs) - 1)) { /* no sign is likelier than another */
            out[at++] = signs[byte % (sizeof(signs) - 1)];
        }
    }
    out[at] = '\0';
}
