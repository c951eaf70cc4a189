/* Asking, checking, applying. See standby_copy.h.
 *
 * A copy of all rows is made in pages while the other goes on; the journal from where it began
 * makes it whole (store/replica.h). Of the log only the leaves are copied that were there when it
 * began. After each step the checkpoint on the last leaf must be the other's over the very tree
 * that is here. What fails is tried again every second; what does not fit ends the following. */
#include "broker/standby_copy.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/standby.h"
#include "io/clock.h"
#include "io/local.h"
#include "store/audit.h"
#include "store/blobs.h"
#include "store/replica.h"
#include "store/uploads.h"
#include "wire/checkpoint.h"
#include "wire/keyring.h"

#define MIB      (UINT64_C(1024) * 1024)
#define ASK_MS   15000u
#define REST_MS  100u  /* when nothing is new: what may be lost is about as old */
#define RETRY_MS 1000u /* when the other cannot be reached */
/* Between two looks for attachments that are missing: each walks all of them. */
#define LOOK_SHARE   20u   /* of the time at most one part in so many, */
#define LOOK_MS      5000u /* unless that were longer than this */
#define LOOK_LEFT_MS 1000u /* where some could not be had */
#define BATCH_MAX    512u  /* transactions of one answer */
#define ANSWER_BYTES (1024u * 1024u)
#define COPY_PART    "standby"
#define MEMBER_BYTES (1024u * 1024u)

struct standby_copy {
    const struct loaded *loaded; /* borrowed */
    struct clock clock;
    pthread_t thread;
    pthread_mutex_t lock; /* over stop, view */
    pthread_cond_t wake;
    bool stop;
    struct standby_view view;
    /* the thread's */
    struct store *store;
    struct blobs *blobs;
    struct local_stream *stream;
    struct buf answer;
    struct json *json;
    struct json_value root; /* of the answer */
    struct buf parts;       /* of transactions that are not applied yet */
    uint16_t parts_open;    /* of the last of them that is not whole */
    uint64_t look_ms;       /* for attachments not before, machine time */
    uint64_t whole_to;      /* transaction up to which they are here */
    bool handing_over;      /* the other one waits for us to have all */
};

/* --- what others see --- */

static void view_fault(struct standby_copy *copy, enum standby_phase phase,
                       const struct fault *fault)
{
    (void)pthread_mutex_lock(&copy->lock);
    copy->view.phase = phase;
    copy->view.fault = *fault;
    (void)pthread_mutex_unlock(&copy->lock);
}

static void view_phase(struct standby_copy *copy, enum standby_phase phase)
{
    (void)pthread_mutex_lock(&copy->lock);
    copy->view.phase = phase;
    copy->view.fault = (struct fault){.code = ""};
    copy->view.heard_ms = clock_wall_ms(&copy->clock);
    (void)pthread_mutex_unlock(&copy->lock);
}

void standby_copy_look(struct standby_copy *copy, struct standby_view *ret_view)
{
    (void)pthread_mutex_lock(&copy->lock);
    *ret_view = copy->view;
    (void)pthread_mutex_unlock(&copy->lock);
}

static bool stopping(struct standby_copy *copy)
{
    (void)pthread_mutex_lock(&copy->lock);
    bool stop = copy->stop;
    (void)pthread_mutex_unlock(&copy->lock);
    return stop;
}

/* Ends early when it is to stop. */
static void rest(struct standby_copy *copy, uint64_t wait_ms)
{
    uint64_t until_ms = clock_wall_ms(&copy->clock) + wait_ms;
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                   .tv_nsec = (long)(until_ms % 1000) * 1000000};

    (void)pthread_mutex_lock(&copy->lock);
    if (!copy->stop) {
        (void)pthread_cond_timedwait(&copy->wake, &copy->lock, &until);
    }
    (void)pthread_mutex_unlock(&copy->lock);
}

/* --- asking --- */

static enum err connect_other(struct standby_copy *copy, struct fault *fault)
{
    const char *path = copy->loaded->config.standby_of;
    enum err error = OK;

    if (copy->stream == NULL) {
        error = local_open(path, ASK_MS, &copy->stream);
    }
    if (error != OK) {
        fault_set(fault, "standby.unreachable", path, "the broker cannot be reached: %s",
                  err_text(error));
        fault_hint(fault, "is it running, and is its socket (or the one that ssh forwards) here?");
    }
    return error;
}

static void disconnect(struct standby_copy *copy)
{
    local_close(copy->stream);
    copy->stream = NULL;
}

static enum err refused(struct standby_copy *copy, struct fault *fault)
{
    struct json_value code = json_member(&copy->root, "code");
    struct json_value message = json_member(&copy->root, "message");
    const char *code_text = "standby.answer", *message_text = "an answer that is none";

    (void)!json_get_text(&code, sizeof(fault->code) - 1, &code_text, NULL);
    (void)!json_get_text(&message, sizeof(fault->message) - 1, &message_text, NULL);
    fault_set(fault, code_text, copy->loaded->config.standby_of, "%s", message_text);
    return strcmp(code_text, "standby.gone") == 0 ? ERR_NOT_FOUND : ERR_REFUSED;
}

/* The answer is in copy->root. ERR_NOT_FOUND: the journal does not go on from there. */
static enum err ask(struct standby_copy *copy, struct span line, struct fault *fault)
{
    struct json_value ok;
    bool good = false;
    enum err error = connect_other(copy, fault);

    json_free(copy->json);
    copy->json = NULL;
    copy->root = (struct json_value){.node = NULL}; /* where none came, members are absent */
    buf_clear(&copy->answer);
    if (error == OK) {
        error = local_send(copy->stream, line, ASK_MS);
    }
    if (error == OK) {
        error = local_receive(copy->stream, ASK_MS, &copy->answer);
    }
    if (error != OK) {
        disconnect(copy);
        fault_set(fault, "standby.unreachable", copy->loaded->config.standby_of,
                  "the broker does not answer: %s", err_text(error));
        return ERR_UNREACHABLE;
    }
    error = json_open("answer", span_buf(&copy->answer), &copy->json, fault);
    if (error != OK) {
        return ERR_REFUSED;
    }
    copy->root = json_root(copy->json);
    ok = json_member(&copy->root, "ok");
    if (json_get_bool(&ok, &good, NULL) != OK || !good) {
        return refused(copy, fault);
    }
    return OK;
}

static enum err get_u64(const struct json_value *object, const char *name, uint64_t *ret,
                        struct fault *fault)
{
    struct json_value value = json_member(object, name);

    return json_get_u64(&value, 0, INT64_MAX, ret, fault);
}

static enum err get_bytes(const struct json_value *object, const char *name, struct buf *out,
                          struct fault *fault)
{
    struct json_value value = json_member(object, name);
    const char *text = "";
    enum err error = json_get_text(&value, MEMBER_BYTES, &text, fault);

    if (error == OK && base64_decode(span_text(text), out) != OK) {
        error = json_refuse(&value, fault, "standby.answer", "expected base64");
    }
    return error;
}

struct hello {
    char epoch_text[2 * JOURNAL_EPOCH_BYTES + 1];
    uint8_t epoch[JOURNAL_EPOCH_BYTES];
    uint64_t oldest, last, log_size;
};

/* Of the same city, and with which journal. */
static enum err say_hello(struct standby_copy *copy, struct hello *hello, struct fault *fault)
{
    const char *own = keyring_origin(copy->loaded->keyring), *origin = "", *epoch = "";
    enum err error = ask(copy, span_text("{\"cmd\":\"standby-hello\"}"), fault);
    struct json_value value = json_member(&copy->root, "origin");

    if (error == OK) {
        error = json_get_text(&value, LIMIT_ORIGIN_BYTES, &origin, fault);
    }
    if (error == OK && strcmp(origin, own) != 0) {
        fault_set(fault, "standby.foreign", copy->loaded->config.standby_of,
                  "that broker is %s, and this is a standby of %s", origin, own);
        return ERR_INVALID;
    }
    value = json_member(&copy->root, "epoch");
    if (error == OK) {
        error = json_get_text(&value, 2 * JOURNAL_EPOCH_BYTES, &epoch, fault);
    }
    if (error == OK && hex_decode(epoch, hello->epoch, JOURNAL_EPOCH_BYTES) != OK) {
        error = json_refuse(&value, fault, "standby.answer", "expected hexadecimal digits");
    }
    text_copy(hello->epoch_text, sizeof(hello->epoch_text), epoch);
    error = error == OK ? get_u64(&copy->root, "oldest", &hello->oldest, fault) : error;
    error = error == OK ? get_u64(&copy->root, "last", &hello->last, fault) : error;
    return error == OK ? get_u64(&copy->root, "log_size", &hello->log_size, fault) : error;
}

/* --- our own store --- */

static enum err own_state(struct standby_copy *copy, struct replica_state *ret_state,
                          uint64_t *ret_log_size)
{
    struct store_txn *read = NULL;
    enum err error = store_read_begin(copy->store, &read);

    if (error != OK) {
        return error;
    }
    error = audit_size(read, ret_log_size);
    if (error == OK) {
        error = replica_state_get(read, ret_state);
    }
    store_read_end(read);
    return error;
}

/* The checkpoint on the last leaf is the other's, over the tree that is here. */
static enum err check_tree(struct standby_copy *copy, struct store_txn *read, uint64_t size,
                           struct fault *fault)
{
    const struct keyring *keyring = copy->loaded->keyring;
    struct checkpoint checkpoint;
    struct digest root;
    struct span note;
    uint64_t noted = 0;
    size_t count = 0;
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES] = keyring_broker_keys(keyring, &count);
    enum err error = audit_checkpoint(read, &noted, &note);

    if (error == OK) {
        error = checkpoint_verify_any(note, keyring_origin(keyring), keys, count, &checkpoint);
    }
    if (error == OK) {
        error = audit_root(read, &root);
    }
    if (error == OK && (checkpoint.size != size || !digest_equal(&root, &checkpoint.root))) {
        error = ERR_FORGED;
    }
    if (error != OK) {
        fault_set(fault, "standby.diverged", copy->loaded->config.store,
                  "the log here is not the one that the broker signed (%s)", err_text(error));
        fault_hint(fault, "do not promote it; remove this copy, then it is made anew");
        error = ERR_CORRUPT;
    }
    return error;
}

/* What there is now, checked when it is whole, and shown. */
static enum err look_at_own(struct standby_copy *copy, const struct hello *other,
                            struct fault *fault)
{
    struct replica_state state = {.applied = 0};
    struct store_txn *read = NULL;
    struct span mark;
    uint64_t size = 0;
    bool handed_over = false;
    enum err error = store_read_begin(copy->store, &read);

    if (error == OK) {
        error = replica_state_get(read, &state);
    }
    if (error == OK) {
        error = audit_size(read, &size);
    }
    if (error == OK && state.whole && size > 0) {
        error = check_tree(copy, read, size, fault);
    }
    if (error == OK) {
        handed_over = store_meta_get(read, STANDBY_HANDED_OVER_META, &mark) == OK;
    }
    store_read_end(read);
    (void)pthread_mutex_lock(&copy->lock);
    copy->view.whole = error == OK && state.whole;
    copy->view.handed_over = handed_over;
    copy->view.applied = state.applied;
    copy->view.log_size = size;
    copy->view.last = other->last;
    copy->view.primary_log_size = other->log_size;
    if (state.whole && state.applied == other->last) {
        copy->view.level_ms = clock_wall_ms(&copy->clock);
    }
    (void)pthread_mutex_unlock(&copy->lock);
    return error;
}

/* --- the copy of all rows --- */

static enum err ask_rows(struct standby_copy *copy, unsigned table, const struct buf *after,
                         struct fault *fault)
{
    struct buf line;
    enum err error;

    buf_init(&line, 4096);
    error = buf_printf(&line, "{\"cmd\":\"standby-rows\",\"table\":%u,\"after\":\"", table);
    error = error == OK ? base64_encode(span_buf(after), &line) : error;
    error = error == OK ? buf_append_text(&line, "\"}") : error;
    error = error == OK ? ask(copy, span_buf(&line), fault) : error;
    buf_free(&line);
    return error;
}

/* One page; *ret_more tells whether there may be another. */
static enum err copy_page(struct standby_copy *copy, unsigned table, struct buf *after,
                          bool *ret_more, struct fault *fault)
{
    struct buf rows;
    enum err error = ask_rows(copy, table, after, fault);

    buf_init(&rows, ANSWER_BYTES);
    buf_clear(after);
    if (error == OK) {
        error = get_bytes(&copy->root, "rows", &rows, fault);
    }
    if (error == OK) {
        error = get_bytes(&copy->root, "next", after, fault);
    }
    if (error == OK) {
        error = replica_rows(copy->store, (enum store_table)table, span_buf(&rows));
        if (error == ERR_CORRUPT) {
            fault_set(fault, "standby.key", copy->loaded->config.store_key,
                      "a row that came is not under this store's key");
            fault_hint(fault, "a standby has the same store-key as its broker");
        }
    }
    *ret_more = after->len > 0;
    buf_free(&rows);
    return error;
}

static enum err copy_table(struct standby_copy *copy, unsigned table, uint64_t log_size,
                           struct fault *fault)
{
    struct buf after;
    bool more = true;
    enum err error = OK;

    buf_init(&after, STORE_KEY_BYTES_MAX + 16);
    while (error == OK && more && !stopping(copy)) {
        uint64_t began_ms = clock_machine_ms();

        error = copy_page(copy, table, &after, &more, fault);
        if (table == STORE_LOG && after.len == 8 && be64_get(after.data) + 1 >= log_size) {
            more = false; /* the journal brings what came since */
        }
        view_phase(copy, STANDBY_COPYING);
        rest(copy, (clock_machine_ms() - began_ms) * 2); /* the other has its work, too */
    }
    buf_free(&after);
    return error;
}

static enum err copy_all(struct standby_copy *copy, struct fault *fault)
{
    struct hello hello;
    enum err error = say_hello(copy, &hello, fault);

    copy->parts_open = 0;
    buf_clear(&copy->parts);
    if (error == OK) {
        view_phase(copy, STANDBY_COPYING);
        error = replica_begin(copy->store, hello.epoch, hello.last);
    }
    for (unsigned table = 0; error == OK && table < STORE_TABLE_COUNT && !stopping(copy); table++) {
        if (table != STORE_JOURNAL) {
            error = copy_table(copy, table, hello.log_size, fault);
        }
    }
    if (error == OK && !stopping(copy)) {
        error = say_hello(copy, &hello, fault);
        error = error == OK ? replica_copied(copy->store, hello.last) : error;
    }
    return error;
}

/* --- the journal --- */

struct batch {
    struct replica_transaction rows[BATCH_MAX];
    size_t count;
    size_t open_at;  /* where the one that is not whole begins in copy->parts */
    uint64_t number; /* its number */
};

static enum err take_piece(struct standby_copy *copy, const struct json_value *piece,
                           struct batch *batch, struct fault *fault)
{
    struct journal_place place = {.part = 0};
    uint64_t part = 0;
    uint16_t parts = 0;
    struct buf raw;
    enum err error = get_u64(piece, "transaction", &place.transaction, fault);

    error = error == OK ? get_u64(piece, "part", &part, fault) : error;
    if (error != OK || place.transaction != batch->number || part != copy->parts_open) {
        fault_set(fault, "standby.answer", copy->loaded->config.standby_of,
                  "the journal came out of order");
        return ERR_REFUSED;
    }
    place.part = (uint16_t)part;
    buf_init(&raw, JOURNAL_PART_BYTES + 1024);
    error = get_bytes(piece, "data", &raw, fault);
    if (error == OK) {
        error = replica_part(copy->store, place, span_buf(&raw), &copy->parts, &parts);
    }
    buf_free(&raw);
    if (error == OK && place.part + 1u < parts) {
        copy->parts_open++;
    } else if (error == OK) { /* where it lies is known when nothing is appended any more */
        batch->rows[batch->count] = (struct replica_transaction){
            .number = place.transaction, .bytes = {NULL, copy->parts.len - batch->open_at}};
        batch->count++;
        batch->open_at = copy->parts.len;
        batch->number++;
        copy->parts_open = 0;
    }
    return error;
}

static enum err apply(struct standby_copy *copy, struct batch *batch)
{
    size_t at = 0;
    enum err error = OK;

    for (size_t i = 0; i < batch->count; i++) {
        batch->rows[i].bytes.data = copy->parts.data + at;
        at += batch->rows[i].bytes.len;
    }
    if (batch->count > 0) {
        error = replica_apply(copy->store, batch->rows, batch->count);
    }
    if (error == OK) { /* the beginning of one that is not whole stays */
        copy->parts.len -= at;
        if (copy->parts.len > 0) {
            memmove(copy->parts.data, copy->parts.data + at, copy->parts.len);
        }
    }
    return error;
}

static enum err take_pieces(struct standby_copy *copy, uint64_t applied, struct fault *fault)
{
    struct json_value pieces = json_member(&copy->root, "pieces");
    struct batch *batch = calloc(1, sizeof(*batch));
    enum err error = batch != NULL ? OK : ERR_MEMORY;

    if (error == OK) {
        batch->number = applied + 1;
    }
    for (size_t i = 0; error == OK && i < json_count(&pieces) && batch->count < BATCH_MAX; i++) {
        struct json_value piece = json_item(&pieces, i);

        error = take_piece(copy, &piece, batch, fault);
    }
    if (error == OK) {
        error = apply(copy, batch);
    }
    if (error == ERR_CORRUPT || error == ERR_INVALID) {
        fault_set(fault, "standby.journal", copy->loaded->config.standby_of,
                  "a transaction that came is damaged, or not under this store's key");
    }
    free(batch);
    return error;
}

static enum err get_handing_over(struct standby_copy *copy, struct fault *fault)
{
    struct json_value value = json_member(&copy->root, "handing_over");

    return json_get_bool(&value, &copy->handing_over, fault);
}

/* One question; *ret_level: nothing is left that we do not have. */
static enum err follow(struct standby_copy *copy, const struct replica_state *state,
                       uint64_t log_size, bool *ret_level, struct fault *fault)
{
    char epoch[2 * JOURNAL_EPOCH_BYTES + 1];
    struct hello other = {.last = 0};
    struct buf line;
    enum err error;

    hex_encode(span_of(state->epoch, JOURNAL_EPOCH_BYTES), epoch);
    buf_init(&line, 512);
    error = buf_printf(&line,
                       "{\"cmd\":\"standby-read\",\"epoch\":\"%s\",\"after\":%" PRIu64
                       ",\"part\":%u,\"applied\":%" PRIu64 ",\"log_size\":%" PRIu64
                       ",\"whole_to\":%" PRIu64 ",\"attachments_missing\":%" PRIu64 "}",
                       epoch, state->applied, copy->parts_open, state->applied, log_size,
                       copy->whole_to, copy->view.attachments_missing);
    error = error == OK ? ask(copy, span_buf(&line), fault) : error;
    buf_free(&line);
    error = error == OK ? get_u64(&copy->root, "last", &other.last, fault) : error;
    error = error == OK ? get_u64(&copy->root, "log_size", &other.log_size, fault) : error;
    error = error == OK ? get_handing_over(copy, fault) : error;
    error = error == OK ? take_pieces(copy, state->applied, fault) : error;
    if (error == OK) {
        view_phase(copy, STANDBY_FOLLOWING);
        error = look_at_own(copy, &other, fault);
    }
    *ret_level = state->applied == other.last;
    return error;
}

/* --- attachments --- */

static enum err fetch_piece(struct standby_copy *copy, const struct digest *digest, uint64_t at,
                            uint64_t *ret_size, struct fault *fault)
{
    char hex[DIGEST_TEXT_BYTES];
    struct buf line, bytes;
    enum err error;

    digest_format(digest, hex);
    buf_init(&line, 512);
    buf_init(&bytes, ANSWER_BYTES);
    error = buf_printf(&line,
                       "{\"cmd\":\"standby-attachment\",\"digest\":\"%s\",\"offset\":%" PRIu64 "}",
                       hex, at);
    error = error == OK ? ask(copy, span_buf(&line), fault) : error;
    error = error == OK ? get_u64(&copy->root, "size", ret_size, fault) : error;
    error = error == OK ? get_bytes(&copy->root, "data", &bytes, fault) : error;
    if (error == OK && (bytes.len == 0 || bytes.len > *ret_size - at)) {
        error = ERR_REFUSED;
    }
    error = error == OK ? blobs_part_append(copy->blobs, COPY_PART, at, span_buf(&bytes)) : error;
    buf_free(&line);
    buf_free(&bytes);
    return error;
}

static enum err fetch_attachment(struct standby_copy *copy, const struct digest *digest,
                                 struct fault *fault)
{
    struct digest found;
    uint64_t at = 0, size = 1;
    enum err error = blobs_part_discard(copy->blobs, COPY_PART);

    while (error == OK && at < size && !stopping(copy)) {
        error = fetch_piece(copy, digest, at, &size, fault);
        error = error == OK ? blobs_part_bytes(copy->blobs, COPY_PART, &at) : error;
    }
    if (error == OK && at == size) {
        error = blobs_part_finish(copy->blobs, COPY_PART, digest, &found);
    }
    if (error == OK) {
        error = blobs_part_discard(copy->blobs, COPY_PART);
    }
    return error;
}

struct wanted {
    struct digest *rows; /* owned */
    size_t count, cap;
    uint64_t all;
};

/* Complete uploads whose bytes are not here. */
static enum err list_missing(struct standby_copy *copy, struct wanted *wanted)
{
    struct store_txn *read = NULL;
    struct digest digest = {{0}};
    enum err error = store_read_begin(copy->store, &read);
    bool first = true;

    while (error == OK) {
        uint64_t size = 0;

        error = upload_next_complete(read, first ? NULL : &digest, &digest);
        first = false;
        if (error != OK) {
            break;
        }
        wanted->all++;
        if (blobs_size(copy->blobs, &digest, &size) == OK) {
            continue;
        }
        if (wanted->count == wanted->cap) {
            size_t cap = wanted->cap == 0 ? 64 : wanted->cap * 2;
            struct digest *rows = reallocarray(wanted->rows, cap, sizeof(*rows));

            if (rows == NULL) {
                error = ERR_MEMORY;
                break;
            }
            wanted->rows = rows;
            wanted->cap = cap;
        }
        wanted->rows[wanted->count++] = digest;
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* One that is gone meanwhile is not missed at the next look. */
static enum err fetch_missing(struct standby_copy *copy, uint64_t applied, struct fault *fault)
{
    const uint64_t begun_ms = clock_machine_ms();
    struct wanted wanted = {.rows = NULL};
    enum err error = list_missing(copy, &wanted);
    uint64_t left = wanted.count, took_ms;

    for (size_t i = 0; error == OK && i < wanted.count && !stopping(copy); i++) {
        error = fetch_attachment(copy, &wanted.rows[i], fault);
        if (error == OK) {
            left--;
        } else if (error == ERR_REFUSED) {
            error = OK;
        }
    }
    (void)pthread_mutex_lock(&copy->lock);
    copy->view.attachments = wanted.all;
    copy->view.attachments_missing = left;
    (void)pthread_mutex_unlock(&copy->lock);
    free(wanted.rows);
    took_ms = clock_machine_ms() - begun_ms;
    copy->look_ms = begun_ms + took_ms + (left > 0 ? LOOK_LEFT_MS : 0) +
                    (took_ms * LOOK_SHARE < LOOK_MS ? took_ms * LOOK_SHARE : LOOK_MS);
    copy->whole_to = error == OK && left == 0 ? applied : copy->whole_to;
    return error;
}

/* --- the thread --- */

static enum err open_own(struct standby_copy *copy, struct fault *fault)
{
    const struct broker_config *config = &copy->loaded->config;
    const struct blobs_options plain = {.refuse_percent = (unsigned)config->attachments_percent};
    struct store_options options = {.kind = STORE_BROKER,
                                    .map_bytes = config->store_mib * MIB,
                                    .create = true,
                                    .reserve = config->store_reserve};
    char folder[CONFIG_PATH_BYTES + 16];
    struct replica_state state = {.applied = 0};
    uint64_t size = 0;
    enum err error;

    memcpy(options.mac_key.bytes, copy->loaded->store_key, sizeof(options.mac_key.bytes));
    error = store_open(config->store, &options, &copy->store, fault);
    crypto_wipe(&options, sizeof(options));
    if (error == OK) {
        error = own_state(copy, &state, &size);
        if (error == ERR_NOT_FOUND && size > 0) {
            fault_set(fault, "standby.own-log", config->store,
                      "this store has a log of its own: it is a broker's and no copy");
            fault_hint(fault, "start it without --standby, or name an empty folder as `store`");
            return ERR_REFUSED;
        }
        error = error == ERR_NOT_FOUND ? OK : error;
    }
    text_copy(folder, sizeof(folder), config->attachments);
    if (error == OK && folder[0] == '\0') {
        error = blobs_folder_beside(config->store, folder, sizeof(folder));
    }
    return error == OK ? blobs_open(folder, &plain, &copy->blobs, fault) : error;
}

static enum err step(struct standby_copy *copy, bool *ret_level, struct fault *fault)
{
    struct replica_state state = {.applied = 0};
    uint64_t log_size = 0;
    enum err error = own_state(copy, &state, &log_size);

    *ret_level = false;
    if (error == ERR_NOT_FOUND || (error == OK && !state.copied)) {
        return copy_all(copy, fault);
    }
    error = error == OK ? follow(copy, &state, log_size, ret_level, fault) : error;
    if (error == ERR_NOT_FOUND) {
        return copy_all(copy, fault); /* another epoch, or too far behind */
    }
    if (error == OK && *ret_level && copy->whole_to != state.applied &&
        (copy->handing_over || clock_machine_ms() >= copy->look_ms)) {
        error = fetch_missing(copy, state.applied, fault);
    }
    return error;
}

static void *thread_run(void *arg)
{
    struct standby_copy *copy = arg;
    struct fault fault = {.code = ""};
    enum err error = open_own(copy, &fault);
    bool level = false;

    while (error == OK && !stopping(copy)) {
        fault = (struct fault){.code = ""};
        error = step(copy, &level, &fault);
        if (error == ERR_UNREACHABLE || error == ERR_REFUSED || error == ERR_TIMEOUT) {
            copy->parts_open = 0;
            buf_clear(&copy->parts);
            view_fault(copy, STANDBY_CONNECTING, &fault);
            rest(copy, RETRY_MS);
            error = OK;
        } else if (error == OK && level) {
            rest(copy, REST_MS);
        }
    }
    if (error != OK) {
        if (fault.code[0] == '\0') {
            fault_set(&fault, "standby.failed", copy->loaded->config.store, "%s", err_text(error));
        }
        view_fault(copy, STANDBY_STOPPED, &fault);
    }
    disconnect(copy);
    json_free(copy->json);
    copy->json = NULL;
    store_close(copy->store);
    blobs_close(copy->blobs);
    return NULL;
}

enum err standby_copy_start(const struct loaded *loaded, struct standby_copy **ret_copy)
{
    struct standby_copy *copy = calloc(1, sizeof(*copy));

    if (copy == NULL) {
        return ERR_MEMORY;
    }
    copy->loaded = loaded;
    clock_init(&copy->clock, false);
    buf_init(&copy->answer, 4 * ANSWER_BYTES);
    buf_init(&copy->parts, (size_t)256 * 1024 * 1024);
    (void)pthread_mutex_init(&copy->lock, NULL); /* neither fails with default attributes */
    (void)pthread_cond_init(&copy->wake, NULL);
    if (pthread_create(&copy->thread, NULL, thread_run, copy) != 0) {
        free(copy);
        return ERR_MEMORY;
    }
    *ret_copy = copy;
    return OK;
}

void standby_copy_stop(struct standby_copy *copy)
{
    if (copy == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&copy->lock);
    copy->stop = true;
    (void)pthread_cond_signal(&copy->wake);
    (void)pthread_mutex_unlock(&copy->lock);
    (void)pthread_join(copy->thread, NULL); /* ours */
    (void)pthread_cond_destroy(&copy->wake);
    (void)pthread_mutex_destroy(&copy->lock);
    buf_free(&copy->answer);
    buf_free(&copy->parts);
    free(copy);
}
