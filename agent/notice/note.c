/* See note.h. A value is a version, packed fields, and for a hook the JSON behind them. */
#include "agent/notice/note.h"

#include <assert.h>
#include <string.h>

#include "model/pack.h"

#define NOTE_VERSION     1u
#define NOTE_FIELD_BYTES 1024u
#define KEY_BYTES        (2u * NOTICE_NAME_BYTES + 64u)

enum rung note_rung(enum rung rung)
{
    if (rung >= RUNG_DUE_3_FIRST && rung <= RUNG_DUE_3_LAST) {
        return RUNG_DUE_3;
    }
    if (rung >= RUNG_UNDELIVERED_2_FIRST && rung <= RUNG_UNDELIVERED_2_LAST) {
        return RUNG_UNDELIVERED_2;
    }
    return rung;
}

/* --- keys --- */

struct key {
    uint8_t bytes[KEY_BYTES];
    size_t len;
};

static void key_add(struct key *key, const void *data, size_t len)
{
    assert(key->len + len <= sizeof(key->bytes));
    memcpy(key->bytes + key->len, data, len);
    key->len += len;
}

static struct key key_of(char table, const char *channel)
{
    struct key key = {.len = 0};

    key_add(&key, &table, 1);
    key_add(&key, channel, strlen(channel) + 1);
    return key;
}

static struct key note_key(enum note_place place, const char *channel, uint64_t id)
{
    struct key key = key_of((char)place, channel);
    uint8_t number[8];

    be64_put(number, id);
    key_add(&key, number, sizeof(number));
    return key;
}

static struct key told_key(const struct note *note)
{
    struct key key = key_of('T', note->channel);
    uint8_t numbers[12];

    key_add(&key, note->officer, strlen(note->officer) + 1);
    key_add(&key, note->cause.referral.bytes, UUID_BYTES);
    be32_put(numbers, note->cause.task);
    be32_put(numbers + 4, note->cause.window);
    be32_put(numbers + 8, (uint32_t)note->cause.rung);
    key_add(&key, numbers, sizeof(numbers));
    return key;
}

static struct span key_span(const struct key *key)
{
    return span_of(key->bytes, key->len);
}

/* --- values --- */

enum { FLAG_URGENT = 1, FLAG_RESOLVED = 2, FLAG_LATE = 4, FLAG_ALL = 7 };

static void pack_note(const struct note *note, struct pack_writer *writer)
{
    pack_put(writer, NOTE_VERSION, 1);
    pack_put(writer, (uint64_t)note->kind, 1);
    pack_put(writer,
             (note->urgent ? FLAG_URGENT : 0u) | (note->resolved ? FLAG_RESOLVED : 0u) |
                 (note->late ? FLAG_LATE : 0u),
             1);
    pack_put(writer, note->tries, 1);
    pack_put(writer, note->made_ms, 8);
    pack_put(writer, note->retry_ms, 8);
    pack_put_bytes(writer, note->event.bytes, UUID_BYTES);
    pack_put(writer, (uint64_t)note->message_kind, 2);
    pack_put_bytes(writer, note->cause.referral.bytes, UUID_BYTES);
    pack_put(writer, note->cause.task, 4);
    pack_put(writer, note->cause.window, 4);
    pack_put(writer, (uint64_t)note->cause.rung, 1);
    pack_put(writer, note->due_date, 4);
    pack_put(writer, note->days, 4);
    pack_put_text(writer, note->officer);
    pack_put_text(writer, note->number);
    pack_put_text(writer, note->reason);
}

static enum err unpack_note(struct span value, struct note *note)
{
    struct pack_reader reader = {.from = value};
    uint32_t flags;

    if (pack_get(&reader, 1) != NOTE_VERSION) {
        return ERR_VERSION;
    }
    note->kind = (enum note_kind)pack_get_max(&reader, 1, NOTE_RUNG_MISSING);
    flags = pack_get_max(&reader, 1, FLAG_ALL);
    note->urgent = (flags & FLAG_URGENT) != 0;
    note->resolved = (flags & FLAG_RESOLVED) != 0;
    note->late = (flags & FLAG_LATE) != 0;
    note->tries = (uint32_t)pack_get(&reader, 1);
    note->made_ms = pack_get(&reader, 8);
    note->retry_ms = pack_get(&reader, 8);
    pack_get_bytes(&reader, note->event.bytes, UUID_BYTES);
    note->message_kind = (enum message_kind)pack_get(&reader, 2);
    pack_get_bytes(&reader, note->cause.referral.bytes, UUID_BYTES);
    note->cause.task = (uint32_t)pack_get(&reader, 4);
    note->cause.window = (uint32_t)pack_get(&reader, 4);
    note->cause.rung = (enum rung)pack_get_max(&reader, 1, RUNG_COUNT);
    note->due_date = (uint32_t)pack_get(&reader, 4);
    note->days = (uint32_t)pack_get(&reader, 4);
    pack_get_text(&reader, note->officer, sizeof(note->officer));
    pack_get_text(&reader, note->number, sizeof(note->number));
    pack_get_text(&reader, note->reason, sizeof(note->reason));
    if (reader.bad) {
        return ERR_CORRUPT;
    }
    note->json = span_of(value.data + reader.at, value.len - reader.at);
    return OK;
}

enum err note_put(struct store_txn *txn, enum note_place place, const struct note *note)
{
    struct key key = note_key(place, note->channel, note->id);
    uint8_t fields[NOTE_FIELD_BYTES];
    struct pack_writer writer = {.to = fields, .max = sizeof(fields)};
    struct buf value;
    enum err error;

    pack_note(note, &writer);
    buf_init(&value, NOTE_FIELD_BYTES + NOTE_HOOK_BYTES);
    error = buf_append(&value, fields, writer.len);
    if (error == OK) {
        error = buf_append(&value, note->json.data, note->json.len);
    }
    if (error == OK) {
        error = store_put(txn, STORE_NOTICE, key_span(&key), span_buf(&value));
    }
    buf_free(&value);
    return error;
}

static enum err read_note(const char *channel, uint64_t id, struct span value,
                          struct note *ret_note)
{
    struct note note = {.id = id};
    enum err error = unpack_note(value, &note);

    if (error == OK) {
        text_copy(note.channel, sizeof(note.channel), channel);
        *ret_note = note;
    }
    return error;
}

enum err note_get(struct store_txn *txn, enum note_place place, const char *channel, uint64_t id,
                  struct note *ret_note)
{
    struct key key = note_key(place, channel, id);
    struct span value;
    enum err error = store_get(txn, STORE_NOTICE, key_span(&key), &value);

    return error == OK ? read_note(channel, id, value, ret_note) : error;
}

/* The channel in a note's key: PLACE CHANNEL NUL be64. */
static enum err read_channel(struct span key, char out[NOTICE_NAME_BYTES])
{
    if (key.len < 10 || key.len - 9 > NOTICE_NAME_BYTES || key.data[key.len - 9] != '\0') {
        return ERR_CORRUPT;
    }
    memcpy(out, key.data + 1, key.len - 9);
    return OK;
}

enum err note_walk_begin(struct store_txn *txn, enum note_place place, const char *channel,
                         struct note_walk *ret_walk)
{
    struct key prefix = key_of((char)place, channel != NULL ? channel : "");
    struct store_cursor *cursor = NULL;
    enum err error;

    prefix.len = channel != NULL ? prefix.len : 1;
    error = store_cursor_open(txn, STORE_NOTICE, key_span(&prefix), &cursor);
    *ret_walk = (struct note_walk){.cursor = cursor};
    return error;
}

enum err note_walk_next(struct note_walk *walk, struct note *ret_note)
{
    struct span key, value;
    enum err error = walk->begun ? store_cursor_next(walk->cursor, &key, &value)
                                 : store_cursor_seek(walk->cursor, span_of(NULL, 0), &key, &value);

    char channel[NOTICE_NAME_BYTES];

    walk->begun = true;
    if (error == OK) {
        error = read_channel(key, channel);
    }
    return error == OK ? read_note(channel, be64_get(key.data + key.len - 8), value, ret_note)
                       : error;
}

void note_walk_end(struct note_walk *walk)
{
    store_cursor_close(walk->cursor);
    walk->cursor = NULL;
}

enum err note_remove(struct store_txn *txn, enum note_place place, const char *channel, uint64_t id)
{
    struct key key = note_key(place, channel, id);

    return store_remove(txn, STORE_NOTICE, key_span(&key));
}

static enum err count_dead(struct store_txn *txn, const char *channel, size_t *ret_count)
{
    struct note_walk walk;
    struct note note;
    enum err error = note_walk_begin(txn, NOTE_DEAD, channel, &walk);

    *ret_count = 0;
    while (error == OK && (error = note_walk_next(&walk, &note)) == OK) {
        (*ret_count)++;
    }
    note_walk_end(&walk);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err note_prune(struct store_txn *txn, const char *channel)
{
    struct note_walk walk;
    struct note note;
    size_t count;
    enum err error = count_dead(txn, channel, &count);

    if (error != OK || count <= NOTE_DEAD_MAX) {
        return error;
    }
    error = note_walk_begin(txn, NOTE_DEAD, channel, &walk);
    for (; error == OK && count > NOTE_DEAD_MAX; count--) {
        error = note_walk_next(&walk, &note);
        if (error == OK) {
            error = note_remove(txn, NOTE_DEAD, channel, note.id);
        }
    }
    note_walk_end(&walk);
    return error;
}

/* --- who was told, what a channel remembers --- */

enum err told_put(struct store_txn *txn, const struct note *note)
{
    struct key key = told_key(note);
    uint8_t id[8];

    be64_put(id, note->id);
    return store_put(txn, STORE_NOTICE, key_span(&key), span_of(id, sizeof(id)));
}

enum err told_remove(struct store_txn *txn, const struct note *note, bool *ret_was)
{
    struct key key = told_key(note);
    struct span value;
    enum err error = store_get(txn, STORE_NOTICE, key_span(&key), &value);

    *ret_was = error == OK;
    if (error == OK) {
        error = store_remove(txn, STORE_NOTICE, key_span(&key));
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err channel_state_put(struct store_txn *txn, const char *channel, struct span state)
{
    struct key key = key_of('S', channel);

    return store_put(txn, STORE_NOTICE, key_span(&key), state);
}

enum err channel_state_get(struct store_txn *txn, const char *channel, struct span *ret_state)
{
    struct key key = key_of('S', channel);

    return store_get(txn, STORE_NOTICE, key_span(&key), ret_state);
}

enum err note_old(struct store_txn *txn, struct note *ret_note)
{
    const uint8_t first = 0; /* of a number: no place of ours */
    struct store_cursor *cursor = NULL;
    struct span key, value;
    uint8_t number[8];
    enum err error = store_cursor_open(txn, STORE_NOTICE, span_of(&first, 1), &cursor);

    if (error == OK) {
        error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    }
    if (error == OK && (key.len != sizeof(number) || value.len < 1)) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        memcpy(number, key.data, sizeof(number));
    }
    store_cursor_close(cursor);
    if (error == OK) {
        error = store_get(txn, STORE_NOTICE, span_of(number, sizeof(number)), &value);
    }
    if (error == OK) {
        *ret_note = (struct note){.id = be64_get(number),
                                  .kind = NOTE_MESSAGE,
                                  .cause = {.rung = RUNG_COUNT},
                                  .json = span_of(value.data + 1, value.len - 1)};
    }
    return error;
}

enum err note_old_remove(struct store_txn *txn, uint64_t id)
{
    uint8_t number[8];

    be64_put(number, id);
    return store_remove(txn, STORE_NOTICE, span_of(number, sizeof(number)));
}

static bool is_configured(const struct notice_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->channel_count; i++) {
        if (strcmp(setup->channels[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Steps from channel to channel, not from note to note. */
enum err note_stray(struct store_txn *txn, const struct notice_setup *setup,
                    char ret_channel[NOTICE_NAME_BYTES])
{
    const char place = NOTE_WAITS;
    char channel[NOTICE_NAME_BYTES] = "";
    struct store_cursor *cursor = NULL;
    enum err error = store_cursor_open(txn, STORE_NOTICE, span_of(&place, 1), &cursor);

    while (error == OK) {
        struct key from = note_key(NOTE_WAITS, channel, UINT64_MAX);
        struct span key, value;

        error = store_cursor_seek(cursor, key_span(&from), &key, &value);
        if (error == OK) {
            error = read_channel(key, channel);
        }
        if (error == OK && !is_configured(setup, channel)) {
            memcpy(ret_channel, channel, sizeof(channel));
            break;
        }
    }
    store_cursor_close(cursor);
    return error;
}
