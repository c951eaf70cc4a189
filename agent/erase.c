/* The socket's command `case-erase`: a case is erased at this agency by a lawful order. What its
 * messages and attachments say can be read by nobody any more, in the store, its free pages and
 * every backup; that they were, when, between whom, and every signature over them stay
 * (docs/adr/0028).
 *
 * In this order, each durable before the next: a new key for the desk; one transaction with the row
 * that says it, the acts, and what is still wanted sealed anew; then the keys are destroyed, and
 * their copy beside the backups is. A process that is killed on the way goes on at its next start
 * (erase_resume). Loop thread. The other agencies and the broker erase at their own order. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/attachment_rows.h"
#include "agent/erase.h"
#include "agent/secrets.h"
#include "agent/show_parts.h"
#include "agent/state.h"
#include "agent/web/act.h"
#include "agent/web/draft.h"
#include "base/log.h"
#include "store/blobs.h"
#include "store/erased.h"

#define ORDER_MAX   (ERASED_ORDER_BYTES - 1)
#define REASON_MAX  (ERASED_REASON_BYTES - 1)
#define ORPHANS_MAX 256u

struct erasing {
    struct agent *agent;
    struct store_txn *txn;
    struct erased row;  /* what will say it */
    const char *number; /* as it was asked for; borrowed */
    bool works;         /* in the transaction that changes it; else only looks */
    size_t referrals, messages, attachments, drafts;
    size_t older; /* kept otherwise by a release: what remained of it elsewhere stays */
    struct fault *fault;
};

/* --- what there is of the case --- */

static enum err refuse_waiting(struct erasing *erasing, const char *what)
{
    fault_set(erasing->fault, "case.waits", "id", "%s", what);
    fault_hint(erasing->fault, "`referralctl agent outbox` and `agent attachments` show it; try "
                               "again when it is done");
    return ERR_REFUSED;
}

/* Key and name that a release kept in the row are put under the key of each case that names it. */
static enum err part_key(struct store_txn *txn, struct attachment_row *attachment)
{
    struct link_place place = {.seq = 0};
    enum err error;

    attachment->inline_key = false;
    error = attachment_row_put(txn, attachment);
    while (error == OK && (error = attachment_link_after(txn, &place)) == OK) {
        struct row row;

        if (!digest_equal(&place.digest, &attachment->shown.digest)) {
            continue;
        }
        error = row_get(txn, ROW_OUT, place.seq, &row);
        error = error == ERR_NOT_FOUND ? row_get(txn, ROW_IN, place.seq, &row) : error;
        if (error == OK) {
            const struct uuid owner = secret_owner(&row.header);

            error = attachment_secret_put(txn, attachment, &owner);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err look_at_links(struct erasing *erasing, const struct row *row)
{
    uint32_t material = 0;
    struct digest digest;
    enum err error;

    while ((error = attachment_link_next(erasing->txn, row->seq, &material, &digest)) == OK) {
        struct attachment_row attachment;
        enum attachment_state state;

        error = attachment_row_get(erasing->txn, &digest, &attachment);
        state = attachment.shown.state;
        if (error == OK && attachment.inline_key) {
            erasing->older++;
            error = erasing->works ? part_key(erasing->txn, &attachment) : OK;
        }
        crypto_wipe(&attachment, sizeof(attachment));
        if (error != OK) {
            return error;
        }
        if (state == ATTACHMENT_ON_THE_WAY) {
            return refuse_waiting(erasing, "an attachment of this case is still on its way");
        }
        erasing->attachments += state != ATTACHMENT_ERASED;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err look_at_row(struct erasing *erasing, const struct row *row)
{
    enum row_body body = ROW_BODY_NONE;
    bool marked = false;
    enum err error = row_is_marked(erasing->txn, row->seq, &marked);

    if (error == OK && (marked || row->state == ROW_WAITING)) {
        return refuse_waiting(erasing, "a message of this case has not reached the broker yet");
    }
    if (error == OK) {
        error = row_body(erasing->txn, row, &body);
    }
    erasing->messages += body == ROW_BODY_RESTS || body == ROW_BODY_PLAIN;
    erasing->older += body == ROW_BODY_PLAIN;
    if (error == OK && body == ROW_BODY_PLAIN && erasing->works) {
        error = row_rest_body(erasing->txn, row);
    }
    return error == OK ? look_at_links(erasing, row) : error;
}

static enum err look_at_referral(struct erasing *erasing, const struct uuid *referral_id)
{
    struct row row = {.seq = 0};
    enum err error;

    erasing->referrals++;
    while ((error = row_of_referral(erasing->txn, referral_id, row.seq, &row)) == OK) {
        error = look_at_row(erasing, &row);
        if (error != OK) {
            return error;
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err for_each(struct erasing *erasing,
                         enum err (*visit)(struct erasing *, const struct uuid *referral_id))
{
    struct case_key key, last;
    struct span packed;
    const struct case_key *after = NULL;
    enum err error;

    while ((error = cases_next(erasing->txn, &erasing->row.case_id, after, &key, &packed)) == OK) {
        error = visit(erasing, &key.referral_id);
        if (error != OK) {
            return error;
        }
        last = key;
        after = &last;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- drafts --- */

static enum err each_draft(struct erasing *erasing, const struct uuid *referral_id,
                           enum err (*visit)(struct store_txn *txn, const char *id, size_t *count))
{
    char text[UUID_TEXT_BYTES];
    struct row row = {.seq = 0};
    enum err error;

    uuid_format(referral_id, text);
    error = visit(erasing->txn, text, &erasing->drafts);
    while (error == OK &&
           (error = row_of_referral(erasing->txn, referral_id, row.seq, &row)) == OK) {
        uuid_format(&row.header.message_id, text); /* some forms answer a message */
        error = visit(erasing->txn, text, &erasing->drafts);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err count_drafts_of(struct erasing *erasing, const struct uuid *referral_id)
{
    return each_draft(erasing, referral_id, drafts_count_of);
}

static enum err remove_drafts_of(struct erasing *erasing, const struct uuid *referral_id)
{
    return each_draft(erasing, referral_id, drafts_remove_of);
}

/* --- is there anything? --- */

/* Counts; refuses what waits, and where nothing is left. */
static enum err look(struct erasing *erasing)
{
    enum err error = for_each(erasing, look_at_referral);

    if (error == OK) {
        erasing->drafts = 0;
        error = for_each(erasing, count_drafts_of);
    }
    if (error == OK && erasing->messages + erasing->attachments + erasing->drafts == 0) {
        fault_set(erasing->fault, "case.nothing-to-erase", "id",
                  "nothing of this case can be read here (any more)");
        fault_hint(erasing->fault,
                   "`referralctl agent show ID` says when it was erased, if it was");
        error = ERR_REFUSED;
    }
    return error;
}

/* --- what is the desk's --- */

struct orphans { /* files that drafts of the case named, and nothing else does */
    struct digest rows[ORPHANS_MAX]; /* more stay until nobody has wanted them for 31 days */
    size_t count;
};

static enum err named_by_drafts(struct store_txn *txn, const struct digest *digest, bool *ret_named)
{
    char hex[DIGEST_TEXT_BYTES];

    digest_format(digest, hex);
    return drafts_name(txn, hex, ret_named);
}

/* Drafts of the case go, with the files that only they named; the rest of the desk is sealed under
 * its new key. */
static enum err clear_desk(struct erasing *erasing, struct orphans *orphans)
{
    struct unsent_place place = {.since_ms = 0};
    enum err error = OK;

    while (orphans->count < ORPHANS_MAX &&
           (error = attachment_unsent_next(erasing->txn, &place)) == OK) {
        bool named = false;

        error = named_by_drafts(erasing->txn, &place.digest, &named);
        if (error != OK) {
            return error;
        }
        if (named) {
            orphans->rows[orphans->count++] = place.digest;
        }
    }
    if (error != OK && error != ERR_NOT_FOUND) {
        return error;
    }
    erasing->drafts = 0;
    error = for_each(erasing, remove_drafts_of);
    for (size_t i = 0; error == OK && i < orphans->count;) {
        bool named = false;

        error = named_by_drafts(erasing->txn, &orphans->rows[i], &named);
        if (error == OK && named) {
            orphans->rows[i] = orphans->rows[--orphans->count];
        } else if (error == OK) {
            error = attachment_row_remove(erasing->txn, &orphans->rows[i++]);
        }
    }
    return error;
}

static enum err renew_desk(struct store_txn *txn)
{
    enum err error = drafts_renew(txn);

    return error == OK ? attachment_secrets_renew(txn) : error;
}

/* --- the act --- */

static enum err add_act(struct erasing *erasing, const struct uuid *referral_id)
{
    struct act act = {.about = *referral_id, .at_ms = erasing->row.at_ms, .kind = ACT_ERASED};
    const struct case_key key = {.case_id = erasing->row.case_id, .referral_id = *referral_id};

    text_copy(act.officer, sizeof(act.officer), ADMINISTRATOR_NAME);
    text_copy(act.shown, sizeof(act.shown), ADMINISTRATOR_NAME);
    text_copy(act.reason, sizeof(act.reason), erasing->row.order);
    changes_add(erasing->agent, &key);
    return act_add(erasing->txn, &act);
}

static enum err write_all(struct erasing *erasing, struct orphans *orphans)
{
    enum err error = look(erasing);

    if (error == OK) {
        error = clear_desk(erasing, orphans);
    }
    if (error == OK) {
        error = renew_desk(erasing->txn);
    }
    if (error == OK) {
        error = for_each(erasing, add_act);
    }
    return error == OK ? erased_put(erasing->txn, &erasing->row) : error;
}

/* The keys' end. From here on nothing brings them back. */
static enum err destroy(struct store *store, struct fault *fault)
{
    size_t count = 0;
    enum err error;

    case_keys_desk_let_go(store_case_keys(store));
    error = erased_complete(store, &count, fault);
    return error == OK && count == 0 ? store_case_keys_save(store, fault) : error;
}

static bool has_two_desks(const struct store *store)
{
    struct desk_key_secret desk;
    bool two;

    case_keys_desk(store_case_keys(store), &desk);
    two = desk.number > 1 &&
          case_keys_desk_past(store_case_keys(store), desk.number - 1, &desk) == OK;
    crypto_wipe(&desk, sizeof(desk));
    return two;
}

/* Ends what an erasure began that did not come through: all of the desk comes under its newest key.
 */
static enum err settle_desk(struct store *store, struct fault *fault)
{
    struct store_txn *txn = NULL;
    enum err error = store_begin(store, &txn);

    if (error != OK) {
        return error;
    }
    error = renew_desk(txn);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    error = store_commit(txn);
    return error == OK ? destroy(store, fault) : error;
}

/* A new key of the desk's is on the disk before anything is sealed under it. One that is there from
 * an erasure that did not come through is not new: copies of the store may have drafts under it. */
static enum err draw_desk(struct store *store, struct fault *fault)
{
    enum err error = has_two_desks(store) ? settle_desk(store, fault) : OK;

    if (error == OK) {
        error = case_keys_desk_renew(store_case_keys(store));
    }
    if (error == OK) {
        error = store_case_keys_save(store, fault);
        if (error != OK) {
            case_keys_desk_undo(store_case_keys(store));
        }
    }
    return error;
}

static enum err change(struct erasing *erasing, struct orphans *orphans)
{
    struct store *store = erasing->agent->setup.store;
    struct case_key_secret key;
    enum err error = case_keys_current(store_case_keys(store), &erasing->row.case_id, &key);

    if (error == ERR_FULL) {
        fault_set(erasing->fault, "case.erased-often", "id", "it was erased %u times",
                  CASE_KEYS_GENERATION_MAX + 1);
        return ERR_REFUSED;
    }
    erasing->row.generation = key.generation;
    crypto_wipe(&key, sizeof(key));
    if (error == OK && !case_keys_have_room(store_case_keys(store))) {
        fault_set(erasing->fault, "case.keys-full", "id", "no more cases can be erased here");
        fault_hint(erasing->fault, "the file of case keys is as large as it may be; nothing was "
                                   "changed");
        return ERR_REFUSED;
    }
    if (error == OK) {
        error = draw_desk(store, erasing->fault);
    }
    if (error == OK) {
        error = store_begin(store, &erasing->txn);
    }
    if (error != OK) {
        return error;
    }
    erasing->works = true;
    error = write_all(erasing, orphans);
    if (error != OK) {
        store_abort(erasing->txn);
        events_forget(erasing->agent);
        return error;
    }
    return store_commit(erasing->txn);
}

static enum err resume(struct store *store, struct fault *fault)
{
    return has_two_desks(store) ? settle_desk(store, fault) : erased_complete(store, NULL, fault);
}

/* --- files --- */

/* Nothing opens it any more; a file that stays does no harm. */
static void remove_file(const struct agent *agent, const struct digest *digest)
{
    const enum err error =
        agent->setup.blobs != NULL ? blobs_remove(agent->setup.blobs, digest) : OK;

    if (error != OK && error != ERR_NOT_FOUND) {
        log_event(EVENT_ATTACHMENT_LEFT, "the file of an erased attachment was not removed: %s",
                  err_text(error));
    }
}

static enum err remove_files_of(struct erasing *erasing, const struct uuid *referral_id)
{
    struct row row = {.seq = 0};
    enum err error;

    while ((error = row_of_referral(erasing->txn, referral_id, row.seq, &row)) == OK) {
        uint32_t material = 0;
        struct digest digest;

        while (attachment_link_next(erasing->txn, row.seq, &material, &digest) == OK) {
            struct attachment_row attachment;

            if (attachment_row_get(erasing->txn, &digest, &attachment) == OK &&
                attachment.shown.state == ATTACHMENT_ERASED) {
                remove_file(erasing->agent, &digest);
            }
            crypto_wipe(&attachment, sizeof(attachment));
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err remove_files(struct erasing *erasing, const struct orphans *orphans)
{
    enum err error = store_read_begin(erasing->agent->setup.store, &erasing->txn);

    for (size_t i = 0; i < orphans->count; i++) {
        remove_file(erasing->agent, &orphans->rows[i]);
    }
    if (error == OK) {
        error = for_each(erasing, remove_files_of);
        store_read_end(erasing->txn);
    }
    return error;
}

/* The copy beside the backups, which opened the case still. */
static const char *replace_copy(const struct agent *agent)
{
    struct fault fault = {.code = ""};
    const struct backups_plan *plan = agent->setup.backups_plan;

    if (agent->setup.backups == NULL || plan->folder[0] == '\0') {
        return "none";
    }
    if (store_case_keys_copy(agent->setup.store, plan->folder, &fault) != OK) {
        log_fault(EVENT_BACKUP_FAILED, &fault);
        return "failed";
    }
    return "replaced";
}

/* Whether the copy was replaced is written nowhere: with a store that erased it always is. */
enum err erase_resume(struct agent *agent, struct fault *fault)
{
    struct erased erased = {.generation = 0};
    struct store_txn *read = NULL;
    enum err error = resume(agent->setup.store, fault);

    if (error == OK) {
        error = store_read_begin(agent->setup.store, &read);
    }
    if (error == OK) {
        error = erased_next(read, &erased);
        store_read_end(read);
    }
    if (error == OK) {
        (void)replace_copy(agent);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- the command --- */

static enum err read_words(const struct json_value *request, const char *name, size_t max,
                           char *out, struct fault *fault)
{
    struct json_value value = json_member(request, name);
    const char *text = "";
    enum err error = json_get_text(&value, max, &text, fault);

    if (error == OK && (text[0] == '\0' || strpbrk(text, "\r\n\t") != NULL)) {
        error = json_refuse(&value, fault, "agent.words", "expected one line of text");
    }
    if (error == OK) {
        text_copy(out, max + 1, text);
    }
    return error;
}

static enum err read_request(struct erasing *erasing, const struct json_value *request,
                             bool *ret_dry_run)
{
    struct json_value id = json_member(request, "id"), dry_run = json_member(request, "dry_run");
    struct erased *row = &erasing->row;
    struct case_key key;
    enum err error = json_get_text(&id, UUID_TEXT_BYTES, &erasing->number, erasing->fault);

    *ret_dry_run = false;
    if (error == OK && !json_absent(&dry_run)) {
        error = json_get_bool(&dry_run, ret_dry_run, erasing->fault);
    }
    if (error == OK && !*ret_dry_run) {
        error = read_words(request, "order", ORDER_MAX, row->order, erasing->fault);
    }
    if (error == OK && !*ret_dry_run) {
        error = read_words(request, "reason", REASON_MAX, row->reason, erasing->fault);
    }
    if (error == OK) {
        error = show_find(erasing->txn, erasing->number, "id", &key, erasing->fault);
    }
    row->case_id = key.case_id;
    row->at_ms = agent_wall_ms(erasing->agent);
    return error;
}

static void write_answer(const struct erasing *erasing, bool dry_run, const char *copy,
                         struct json_writer *out)
{
    char text[UUID_TEXT_BYTES];

    uuid_format(&erasing->row.case_id, text);
    named_text(out, "case_id", text);
    named_bool(out, "dry_run", dry_run);
    named_u64(out, "referrals", erasing->referrals);
    named_u64(out, "messages", erasing->messages);
    named_u64(out, "attachments", erasing->attachments);
    named_u64(out, "drafts", erasing->drafts);
    named_u64(out, "kept_by_older_release", erasing->older);
    named_text(out, "backup_keys", copy);
}

static enum err erase(struct erasing *erasing, const char **ret_copy)
{
    struct orphans orphans = {.count = 0};
    char case_id[UUID_TEXT_BYTES];
    const struct log_subject subject = {.case_id = case_id};
    enum err error;

    erasing->referrals = erasing->messages = erasing->attachments = erasing->older = 0;
    error = change(erasing, &orphans);
    if (error != OK) {
        return error;
    }
    error = destroy(erasing->agent->setup.store, erasing->fault);
    if (error != OK) {
        erasing->agent->failure = error; /* the next start ends it */
        return error;
    }
    *ret_copy = replace_copy(erasing->agent);
    error = remove_files(erasing, &orphans);
    if (error != OK) {
        return error;
    }
    uuid_format(&erasing->row.case_id, case_id);
    log_about(EVENT_CASE_ERASED, &subject, "a case was erased by order: %zu messages",
              erasing->messages);
    events_tell(erasing->agent);
    return OK;
}

enum err erase_answer(struct agent *agent, const struct json_value *request,
                      struct json_writer *out, struct fault *fault)
{
    struct erasing erasing = {.agent = agent, .fault = fault};
    const char *copy = "none";
    bool dry_run = false;
    enum err error = store_read_begin(agent->setup.store, &erasing.txn);

    if (error != OK) {
        return error;
    }
    error = read_request(&erasing, request, &dry_run);
    if (error == OK) {
        error = look(&erasing);
    }
    store_read_end(erasing.txn);
    if (error == OK && !dry_run) {
        error = erase(&erasing, &copy);
    }
    if (error == OK) {
        write_answer(&erasing, dry_run, copy, out);
    }
    return error;
}
