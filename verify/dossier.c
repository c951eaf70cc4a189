/* How: parts are taken kind by kind, those that vouch first (root, registry, keys, statements),
 * then each message with its receipt, then what connects them. One function a check. A fault is
 * noted and the next part is looked at, so that the report has all of them. See dossier.h. */
#include "dossier.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "proof.h"
#include "wire/envelope.h"
#include "wire/key_statement.h"
#include "wire/sealing.h"

#define REGION_BYTES ((size_t)1024u * 1024u * 1024u) /* of what is decoded, whatever it claims */

static const char *const part_kinds[] = {
    "about",   "registry", "registry-leaf", "keys",       "calendar",    "policy",      "statement",
    "message", "receipt",  "key",           "checkpoint", "consistency", "cosignature", NULL};

/* NULL: there is no room for one more. */
static struct finding *add_finding(struct dossier *dossier, enum verdict verdict, const char *code,
                                   const char *place)
{
    struct finding *finding = &dossier->findings[dossier->finding_count];

    if (dossier->verdict != VERDICT_FAIL) {
        dossier->verdict = verdict;
    }
    if (dossier->finding_count == DOSSIER_FINDINGS_MAX) {
        dossier->findings_left_out++;
        return NULL;
    }
    dossier->finding_count++;
    finding->verdict = verdict;
    text_copy(finding->code, sizeof finding->code, code);
    text_copy(finding->place, sizeof finding->place, place);
    return finding;
}

void dossier_fail(struct dossier *dossier, const char *code, const char *place, const char *detail,
                  ...)
{
    struct finding *finding = add_finding(dossier, VERDICT_FAIL, code, place);
    va_list args;

    va_start(args, detail);
    if (finding != NULL) {
        (void)vsnprintf(finding->detail, sizeof finding->detail, detail, args);
    }
    va_end(args);
}

void dossier_prove(struct dossier *dossier, const char *code, const char *place, const char *detail,
                   ...)
{
    enum verdict before = dossier->verdict;
    struct finding *finding = add_finding(dossier, VERDICT_PASS, code, place);
    va_list args;

    dossier->verdict = before;
    va_start(args, detail);
    if (finding != NULL) {
        (void)vsnprintf(finding->detail, sizeof finding->detail, detail, args);
    }
    va_end(args);
}

void dossier_lack(struct dossier *dossier, const char *code, const char *place, const char *detail,
                  ...)
{
    struct finding *finding = add_finding(dossier, VERDICT_INCOMPLETE, code, place);
    va_list args;

    va_start(args, detail);
    if (finding != NULL) {
        (void)vsnprintf(finding->detail, sizeof finding->detail, detail, args);
    }
    va_end(args);
}

/* --- the head --- */

struct lines {
    const char *at; /* in a copy that ends with a NUL */
    bool wrong;
};

static void take(struct lines *lines, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    const char *from = lines->at + name_len;
    const char *end = strncmp(lines->at, name, name_len) == 0 ? strchr(from, '\n') : NULL;

    out[0] = '\0';
    if (lines->wrong || end == NULL || (size_t)(end - from) >= size || end == from) {
        lines->wrong = true;
        return;
    }
    memcpy(out, from, (size_t)(end - from));
    out[end - from] = '\0';
    lines->at = end + 1;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static void read_about(struct dossier *dossier)
{
    const struct evidence_part *part = evidence_find(&dossier->evidence, "about", "case");
    char copy[1024] = "", id[UUID_TEXT_BYTES], bodies[8];
    struct lines lines = {.at = copy, .wrong = part == NULL || part->bytes.len >= sizeof copy};

    if (!lines.wrong) {
        memcpy(copy, part->bytes.data, part->bytes.len);
        copy[part->bytes.len] = '\0';
    }
    take(&lines, "exporter ", dossier->exporter, sizeof dossier->exporter);
    take(&lines, "subject ", dossier->subject, sizeof dossier->subject);
    take(&lines, "id ", id, sizeof id);
    take(&lines, "asked ", dossier->asked, sizeof dossier->asked);
    take(&lines, "origin ", dossier->origin, sizeof dossier->origin);
    take(&lines, "bodies ", bodies, sizeof bodies);
    take(&lines, "made ", dossier->made, sizeof dossier->made);
    dossier->bodies = strcmp(bodies, "yes") == 0;
    if (lines.wrong || strlen(copy) != part->bytes.len || *lines.at != '\0' ||
        uuid_parse(id, &dossier->id) != OK || !agency_id_valid(dossier->exporter) ||
        !is_printable(dossier->asked) || !is_printable(dossier->made) ||
        (!dossier->bodies && strcmp(bodies, "no") != 0) ||
        (strcmp(dossier->subject, "referral") != 0 && strcmp(dossier->subject, "matter") != 0 &&
         strcmp(dossier->subject, "case") != 0) ||
        !name_valid(span_text(dossier->origin), sizeof dossier->origin - 1)) {
        dossier_fail(dossier, "evidence.about", "about case", "%s", "");
    }
}

static void check_kinds(struct dossier *dossier)
{
    for (size_t i = 0; i < dossier->evidence.part_count; i++) {
        const struct evidence_part *part = &dossier->evidence.parts[i];
        size_t k = 0;

        while (part_kinds[k] != NULL && strcmp(part_kinds[k], part->kind) != 0) {
            k++;
        }
        if (part_kinds[k] == NULL) {
            dossier_fail(dossier, "evidence.part", part->kind, "%s", part->name);
        }
    }
}

/* --- who vouches --- */

static void read_keys(struct dossier *dossier)
{
    const struct evidence_part *plain =
        evidence_find(&dossier->evidence, "keys", "public-keys.yaml");
    struct fault fault = {.code = ""};

    if (dossier->document.version != 0) {
        if (plain != NULL ||
            registry_document_read("registry", &dossier->document, &dossier->registry,
                                   &dossier->keyring, &fault) != OK) {
            dossier_fail(dossier, "registry.form", "registry", "%s", fault.message);
        }
    } else if (dossier->verdict == VERDICT_PASS) { /* else it is there, and was refused */
        dossier_lack(dossier, "missing.registry", "registry", "%s", "");
        if (plain != NULL &&
            keyring_load_text("public-keys.yaml", plain->bytes, &dossier->keyring, &fault) != OK) {
            dossier_fail(dossier, "registry.form", "keys", "%s", fault.message);
        }
    }
    if (dossier->keyring != NULL &&
        strcmp(keyring_origin(dossier->keyring), dossier->origin) != 0) {
        dossier_fail(dossier, "evidence.origin", "about case", "%s", dossier->origin);
    }
}

/* Up to 18 digits, none in front that says nothing. */
static bool take_leaf(const char *text, uint64_t *ret)
{
    size_t len = strlen(text);

    *ret = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *ret = 10 * *ret + (uint64_t)(text[i] - '0');
    }
    return len > 0 && len <= 18 && (len == 1 || text[0] != '0');
}

static void read_statements(struct dossier *dossier)
{
    for (size_t i = 0; i < dossier->evidence.part_count && dossier->keyring != NULL; i++) {
        const struct evidence_part *part = &dossier->evidence.parts[i];
        struct key_statement statement;
        struct fault fault = {.code = "key.statement"};
        uint64_t leaf = 0;

        if (strcmp(part->kind, "statement") != 0) {
            continue;
        }
        if (!take_leaf(part->name, &leaf) ||
            key_statement_open(part->name, part->bytes, &statement, &fault) != OK ||
            key_statement_judge(part->name, &statement, dossier->keyring, &fault) != OK ||
            keyring_revoke(dossier->keyring, statement.owner, statement.id, leaf) != OK) {
            dossier_fail(dossier, "key.statement", "statement", "%s (%s)", part->name, fault.code);
        } else {
            dossier->revoked++;
        }
    }
}

/* --- by what is counted --- */

void dossier_read_days(struct dossier *dossier)
{
    const struct evidence_part *part = evidence_find(&dossier->evidence, "calendar", "days");
    unsigned line = 0;

    if (part == NULL) {
        dossier_lack(dossier, "missing.calendar", "calendar days", "%s", "");
    } else if (days_read(part->bytes, &dossier->days, &line) != OK) {
        dossier_fail(dossier, "calendar.form", "calendar days", "%u", line);
    }
}

void dossier_read_policy(struct dossier *dossier)
{
    const struct evidence_part *part = evidence_find(&dossier->evidence, "policy", "policy.yaml");
    struct fault fault = {.code = ""};

    if (part == NULL) {
        dossier_lack(dossier, "missing.policy", "policy", "%s", "");
    } else if (ladder_read_text(part->bytes, &dossier->ladder, &fault) != OK) {
        dossier_fail(dossier, "policy.form", "policy", "%.200s", fault.place);
    } else {
        dossier->has_ladder = true;
    }
}

/* --- a checkpoint --- */

enum err dossier_open_note(const struct dossier *dossier, struct span note,
                           char origin[LIMIT_ORIGIN_BYTES], struct tree_head *ret)
{
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES];
    const uint8_t *end = note.len > 0 ? memchr(note.data, '\n', note.len) : NULL;
    size_t count, len = end != NULL ? (size_t)(end - note.data) : 0;
    enum err error = ERR_FORGED;

    if (len == 0 || len >= LIMIT_ORIGIN_BYTES ||
        !origin_is_of(span_of(note.data, len), dossier->origin)) {
        return ERR_REFUSED;
    }
    memcpy(origin, note.data, len);
    origin[len] = '\0';
    keys = keyring_broker_keys(dossier->keyring, &count);
    for (size_t i = 0; i < count && error != OK; i++) {
        error = note_open(note, origin, keys[i], ret);
    }
    return error;
}

static void read_checkpoint(struct dossier *dossier)
{
    const struct evidence_part *part = evidence_find(&dossier->evidence, "checkpoint", "newest");

    if (dossier->keyring == NULL) {
        return;
    }
    if (part == NULL) {
        dossier_lack(dossier, "missing.checkpoint", "checkpoint", "%s", "");
    } else if (dossier_open_note(dossier, part->bytes, dossier->newest_origin, &dossier->newest) !=
               OK) {
        dossier_fail(dossier, "checkpoint.signature", "checkpoint newest", "%s", "");
        memset(&dossier->newest, 0, sizeof dossier->newest);
    }
}

/* --- one message --- */

static bool wrong(struct dossier *dossier, const struct told_message *told, const char *code,
                  const char *detail)
{
    dossier_fail(dossier, code, told->name, "%s", detail);
    return false;
}

static bool open_message(struct dossier *dossier, struct told_message *told)
{
    struct fault fault = {.code = ""};
    struct digest body;
    struct span payload;
    char id[UUID_TEXT_BYTES], name[EVIDENCE_NAME_BYTES];

    told->message = region_take(&dossier->region, sizeof *told->message);
    if (told->message == NULL ||
        envelope_decode(told->envelope_bytes, &dossier->region, &payload, &told->proof, &fault) !=
            OK ||
        payload_split(payload, &told->payload, &fault) != OK ||
        header_decode(told->payload.header, &dossier->region, &told->message->header, &fault) !=
            OK) {
        return wrong(dossier, told, "message.form", fault.place);
    }
    body = proof_body(told->payload.body, &told->erased);
    told->digest = proof_message(told->payload.header, told->payload.facts, &body);
    uuid_format(&told->message->header.message_id, id);
    (void)snprintf(name, sizeof name, "%s-%s", id, told->message->header.sender);
    return strcmp(name, told->name) == 0 || wrong(dossier, told, "message.name", name);
}

/* Its facts, once it is known whether they were taken. */
static bool open_facts(struct dossier *dossier, struct told_message *told)
{
    struct fault fault = {.code = ""};

    return told->refused ||
           message_decode(&told->payload, &dossier->region, told->message, &fault) == OK ||
           wrong(dossier, told, "message.form", fault.place);
}

static bool open_receipt(struct dossier *dossier, struct told_message *told, struct span bytes)
{
    struct proof_path path;
    struct hasher hasher;
    struct digest root;
    struct fault fault = {.code = ""};

    told->record = region_take(&dossier->region, sizeof *told->record);
    if (told->record == NULL ||
        receipt_decode(bytes, &dossier->region, &told->receipt, &fault) != OK ||
        leaf_record_decode(told->receipt.record, &dossier->region, told->record, &fault) != OK) {
        return wrong(dossier, told, "receipt.form", fault.place);
    }
    if (dossier_open_note(dossier, told->receipt.checkpoint, told->origin, &told->head) != OK) {
        return wrong(dossier, told, "receipt.checkpoint", "");
    }
    hasher_init(&hasher);
    hasher_add(&hasher, "\x00", 1);
    hasher_add(&hasher, told->receipt.salt, SALT_BYTES);
    hasher_add(&hasher, told->receipt.record.data, told->receipt.record.len);
    told->leaf = hasher_end(&hasher);
    path = (struct proof_path){told->receipt.leaf_index, told->head.size, told->receipt.path,
                               told->receipt.path_count};
    if (proof_root(&path, &told->leaf, &root) != OK || !digest_equal(&root, &told->head.root)) {
        return wrong(dossier, told, "receipt.inclusion", "");
    }
    return true;
}

/* The record says of the message what the message says of itself. */
static bool check_record(struct dossier *dossier, struct told_message *told)
{
    const struct message_header *header = &told->message->header;
    const struct leaf_record *record = told->record;

    told->refused = record->kind == LEAF_REFUSED;
    told->at_ms = record->has_recovered ? record->recovered.at_ms : record->at_ms;
    if ((record->kind != LEAF_MESSAGE && !told->refused) ||
        !uuid_equal(&record->message_id, &header->message_id) ||
        !uuid_equal(&told->receipt.message_id, &header->message_id) ||
        !digest_equal(&record->message_digest, &told->digest) ||
        strcmp(record->actor, header->sender) != 0) {
        return wrong(dossier, told, "receipt.other", "");
    }
    if (!told->refused &&
        ((!uuid_is_zero(&record->case_id) && !uuid_equal(&record->case_id, &header->case_id)) ||
         (!uuid_is_zero(&record->referral_id) &&
          !uuid_equal(&record->referral_id, &header->referral_id)) ||
         record->message_kind != (uint32_t)header->kind ||
         (record->referral_number[0] != '\0' &&
          strcmp(record->referral_number, header->referral_number) != 0))) {
        return wrong(dossier, told, "receipt.other", "");
    }
    return record->at_ms <= told->head.time_ms || wrong(dossier, told, "receipt.time", "");
}

static bool check_subject(struct dossier *dossier, const struct told_message *told)
{
    const struct message_header *header = &told->message->header;
    bool whole = strcmp(dossier->subject, "case") == 0;

    if (!uuid_equal(whole ? &header->case_id : &header->referral_id, &dossier->id)) {
        return wrong(dossier, told, "evidence.subject", header->referral_number);
    }
    return strcmp(header->sender, dossier->exporter) == 0 ||
           strcmp(told->record->recipient, dossier->exporter) == 0 ||
           wrong(dossier, told, "evidence.party", header->sender);
}

const struct key_entry *dossier_find_key(const struct dossier *dossier, const char *owner,
                                         struct key_id id)
{
    return dossier_key_in(dossier->keyring, owner, id);
}

/* Of a message that was not signed anew: by the version of the registry in force at its place. */
static bool check_key_then(struct dossier *dossier, const struct told_message *told, const char *id)
{
    bool sure;
    const struct key_entry *key = dossier_key_then(dossier, told, &sure);

    if (key == NULL && !sure) {
        dossier_lack(dossier, "missing.version", told->name, "%s", id);
        return true;
    }
    if (key == NULL) {
        return wrong(dossier, told, "key.early", id);
    }
    return (told->at_ms >= key->from_ms && told->at_ms < key->to_ms) ||
           wrong(dossier, told, "key.validity", id);
}

/* Whoever exports signs its own messages anew, by the key that it has today. */
static bool check_signer(struct dossier *dossier, const struct told_message *told)
{
    const char *sender = told->message->header.sender;
    const struct key_entry *key = dossier_find_key(dossier, sender, told->proof.key);
    bool anew = strcmp(sender, dossier->exporter) == 0;
    char id[2 * KEY_ID_BYTES + 1], detail[96];

    hex_encode(span_of(told->proof.key.bytes, KEY_ID_BYTES), id);
    if (key == NULL) {
        return wrong(dossier, told, "key.unknown", id);
    }
    if (proof_signed(&told->proof, &told->digest, key->public_key) != OK) {
        return wrong(dossier, told, "message.signature", id);
    }
    if (key_is_revoked(key) && (anew || key->revoked_leaf <= told->receipt.leaf_index)) {
        (void)snprintf(detail, sizeof detail, "%s, %" PRIu64, id, key->revoked_leaf);
        return wrong(dossier, told, "key.revoked", detail);
    }
    if (memcmp(told->message->header.sender_key.bytes, told->proof.key.bytes, KEY_ID_BYTES) == 0 &&
        !anew) {
        return check_key_then(dossier, told, id);
    }
    return anew || (told->at_ms >= key->from_ms && told->at_ms < key->to_ms) ||
           wrong(dossier, told, "key.validity", id);
}

/* Another key than the one that the header names is right for what was signed anew: by the
 * exporter, or because the named one was revoked. */
static bool check_named_key(struct dossier *dossier, const struct told_message *told)
{
    const struct message_header *header = &told->message->header;
    const struct key_entry *named = dossier_find_key(dossier, header->sender, header->sender_key);

    if (memcmp(header->sender_key.bytes, told->proof.key.bytes, KEY_ID_BYTES) == 0 ||
        strcmp(header->sender, dossier->exporter) == 0 ||
        (named != NULL && key_is_revoked(named))) {
        return true;
    }
    return wrong(dossier, told, "key.other", "");
}

/* True: all of it holds, and the message is counted with. */
static bool take_message(struct dossier *dossier, const struct evidence_part *part,
                         struct told_message *told)
{
    const struct evidence_part *receipt = evidence_find(&dossier->evidence, "receipt", part->name);

    memset(told, 0, sizeof *told);
    text_copy(told->name, sizeof told->name, part->name);
    told->envelope_bytes = part->bytes;
    if (!open_message(dossier, told)) {
        return false;
    }
    if (receipt == NULL) {
        dossier_lack(dossier, "missing.receipt", told->name, "%s", "");
        return false;
    }
    return open_receipt(dossier, told, receipt->bytes) && check_record(dossier, told) &&
           open_facts(dossier, told) && check_subject(dossier, told) &&
           check_signer(dossier, told) && check_named_key(dossier, told);
}

/* The key opens exactly what was signed: the sealed body commits to it. */
static void open_body(struct dossier *dossier, struct told_message *told)
{
    const struct evidence_part *key = evidence_find(&dossier->evidence, "key", told->name);
    struct fault fault = {.code = ""};
    struct body *body;

    if (key == NULL) {
        if (dossier->bodies && told->payload.body.len > 0) {
            dossier_lack(dossier, told->erased ? "erased.body" : "missing.body", told->name, "%s",
                         "");
        }
        return;
    }
    body = region_take(&dossier->region, sizeof *body);
    if (!dossier->bodies || body == NULL || key->bytes.len != AEAD_KEY_BYTES ||
        body_open_by_key(&told->payload, key->bytes.data, &dossier->region, body, &fault) != OK) {
        dossier_fail(dossier, "key.body", told->name, "%s", "");
        return;
    }
    told->body = body;
}

static int by_place(const void *a, const void *b)
{
    const struct told_message *x = a, *y = b;

    if (x->receipt.leaf_index != y->receipt.leaf_index) {
        return x->receipt.leaf_index < y->receipt.leaf_index ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

static void read_messages(struct dossier *dossier)
{
    dossier->messages = calloc(dossier->evidence.part_count, sizeof *dossier->messages);
    if (dossier->messages == NULL || dossier->keyring == NULL) {
        return;
    }
    for (size_t i = 0; i < dossier->evidence.part_count; i++) {
        const struct evidence_part *part = &dossier->evidence.parts[i];

        if (strcmp(part->kind, "message") == 0) {
            dossier->message_count +=
                take_message(dossier, part, &dossier->messages[dossier->message_count]);
        } else if ((strcmp(part->kind, "receipt") == 0 || strcmp(part->kind, "key") == 0) &&
                   evidence_find(&dossier->evidence, "message", part->name) == NULL) {
            dossier_fail(dossier, "evidence.alone", part->kind, "%s", part->name);
        }
    }
    for (size_t i = 0; i < dossier->message_count; i++) {
        open_body(dossier, &dossier->messages[i]);
    }
    qsort(dossier->messages, dossier->message_count, sizeof *dossier->messages, by_place);
}

/* --- what connects them --- */

/* Two heads of one size, or two leaves at one place: the broker showed two logs under one name. */
static void check_one_log(struct dossier *dossier)
{
    for (size_t i = 0; i < dossier->message_count; i++) {
        const struct told_message *a = &dossier->messages[i];

        if (dossier->newest.size == a->head.size &&
            strcmp(dossier->newest_origin, a->origin) == 0 &&
            !digest_equal(&dossier->newest.root, &a->head.root)) {
            dossier_fail(dossier, "log.split", a->name, "%" PRIu64, a->head.size);
        }
        for (size_t k = 0; k < i; k++) {
            const struct told_message *b = &dossier->messages[k];
            bool heads =
                a->head.size == b->head.size && !digest_equal(&a->head.root, &b->head.root);
            bool leaves = a->receipt.leaf_index == b->receipt.leaf_index;

            if ((heads || leaves) && strcmp(a->origin, b->origin) == 0) {
                dossier_fail(dossier, "log.split", a->name, "%" PRIu64,
                             heads ? a->head.size : a->receipt.leaf_index);
            }
        }
    }
}

/* What came to the exporter in one lane is numbered, and each names the one before. */
static void check_streams(struct dossier *dossier)
{
    for (size_t i = 0; i < dossier->message_count; i++) {
        const struct leaf_record *a = dossier->messages[i].record;

        assert(a != NULL); /* or it is no message that was taken */
        for (size_t k = 0; k < i && a->has_stream; k++) {
            const struct leaf_record *b = dossier->messages[k].record;

            if (!b->has_stream || a->stream.lane != b->stream.lane ||
                strcmp(a->recipient, b->recipient) != 0 || a->has_recovered || b->has_recovered ||
                strcmp(dossier->messages[i].origin, dossier->messages[k].origin) != 0) {
                continue;
            }
            if (a->stream.seq <= b->stream.seq ||
                (a->stream.seq == b->stream.seq + 1 &&
                 !digest_equal(&a->stream.previous, &dossier->messages[k].leaf))) {
                dossier_fail(dossier, "log.stream", dossier->messages[i].name, "%" PRIu64,
                             a->stream.seq);
            }
        }
    }
}

static void judge_parts(struct dossier *dossier, const struct digest *root)
{
    check_kinds(dossier);
    read_about(dossier);
    dossier_read_versions(dossier, root);
    read_keys(dossier);
    read_statements(dossier);
    dossier_read_days(dossier);
    dossier_read_policy(dossier);
    read_checkpoint(dossier);
    dossier_place_versions(dossier);
    read_messages(dossier);
    check_one_log(dossier);
    check_streams(dossier);
    dossier_connect(dossier);
    if (dossier->message_count == 0) {
        dossier_lack(dossier, "missing.messages", "message", "%s", "");
    }
    dossier_count_windows(dossier);
}

static void judge_file(struct dossier *dossier, const char *name, const struct digest *root)
{
    struct fault fault = {.code = ""};
    enum err error = evidence_decode(name, span_buf(&dossier->file), &dossier->region,
                                     &dossier->evidence, &fault);

    if (error != OK) {
        void (*const tell)(struct dossier *, const char *, const char *, const char *, ...) =
            error == ERR_CLOSED ? dossier_lack : dossier_fail;

        tell(dossier, fault.code[0] != '\0' ? fault.code : "evidence.form", fault.place, "%s", "");
    } else if (dossier->evidence.about != EVIDENCE_CASE) {
        dossier_judge_lie(dossier, root);
    } else {
        judge_parts(dossier, root);
    }
}

static void begin(struct dossier *dossier)
{
    memset(dossier, 0, sizeof *dossier);
    buf_init(&dossier->file, LIMIT_EVIDENCE_BYTES);
    region_init(&dossier->region, REGION_BYTES);
}

void dossier_judge(struct dossier *dossier, const char *path, const struct digest *root)
{
    struct fault fault = {.code = ""};

    begin(dossier);
    if (file_read(path, &dossier->file, &fault) != OK) {
        (void)add_finding(dossier, VERDICT_UNREADABLE, "evidence.unreadable", path);
    } else {
        judge_file(dossier, strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path, root);
    }
}

void dossier_judge_bytes(struct dossier *dossier, struct span bytes, const struct digest *root)
{
    begin(dossier);
    if (buf_append(&dossier->file, bytes.data, bytes.len) != OK) {
        (void)add_finding(dossier, VERDICT_UNREADABLE, "evidence.unreadable", "evidence");
    } else {
        judge_file(dossier, "evidence", root);
    }
}

void dossier_free(struct dossier *dossier)
{
    dossier_free_versions(dossier);
    registry_free(dossier->registry);
    keyring_free(dossier->keyring);
    days_free(&dossier->days);
    free(dossier->messages);
    free(dossier->heads);
    free(dossier->witnesses);
    free(dossier->clocks);
    free(dossier->rungs);
    region_wipe(&dossier->region);
    if (dossier->file.data != NULL) {
        crypto_wipe(dossier->file.data, dossier->file.cap);
    }
    buf_free(&dossier->file);
}
