/* What the broker was caught with, kept so that others can judge it: the reply, which the broker
 * signed, the head of the request that it answers, the checkpoint that it speaks against (what this
 * agency believed until then, or another one's), and the public keys of all (docs/protocol.md,
 * "Evidence of a lie").
 *
 * Written only where the reply is authentic: what anybody could have sent proves nothing. Once for
 * each new alarm; the outbox and all else stay as they were. Loop thread; it waits for the disk, as
 * a commit does. */
#include <inttypes.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "wire/evidence_file.h"

#define HEAD_BYTES  8192u /* longer heads carry messages or data, and are not kept */
#define PARTS_MAX   8u
#define DAYS_BYTES  (1024u * 1024u)
#define VERDICT_MAX 2048u

struct keeping { /* the parts, and what they borrow from */
    struct evidence_part parts[PARTS_MAX];
    size_t count;
    struct buf verdict, note, document, days;
};

void lie_remember(struct asking *asking, struct span head)
{
    buf_free(&asking->head);
    buf_init(&asking->head, HEAD_BYTES);
    if (head.len > HEAD_BYTES || buf_append(&asking->head, head.data, head.len) != OK) {
        buf_free(&asking->head);
    }
}

static void add(struct keeping *keeping, const char *kind, const char *name, struct span bytes)
{
    struct evidence_part *part = &keeping->parts[keeping->count];

    if (bytes.len > 0) {
        text_copy(part->kind, sizeof(part->kind), kind);
        text_copy(part->name, sizeof(part->name), name);
        part->bytes = bytes;
        keeping->count++;
    }
}

static enum err fill(struct agent *agent, const struct asking *asking, struct span reply,
                     struct keeping *keeping)
{
    const struct agent_setup *setup = &agent->setup;
    const struct registry_document *document = &setup->document;
    enum err error =
        buf_printf(&keeping->verdict,
                   "agency: %s\nbroker: %s\nat: %" PRIu64 "\nknown: %" PRIu64 "\ncaught: %s\n",
                   setup->self->id, agent->following.origin, agent_wall_ms(agent),
                   asking->known.size, agent->distrust.text);

    if (error == OK && agent->caught.other.len > 0) {
        error = buf_append(&keeping->note, agent->caught.other.data, agent->caught.other.len);
    } else if (error == OK && asking->about != ASKING_LINKS) { /* whose note is not kept */
        error = session_note(agent, &keeping->note);
    }
    if (error == OK && document->version != 0) {
        const struct span parts[] = {document->statement, document->agencies, document->keys};

        for (size_t i = 0; error == OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
            error = buf_append(&keeping->document, parts[i].data, parts[i].len);
        }
    }
    if (error == OK) {
        add(keeping, "verdict", "lie", span_buf(&keeping->verdict));
        add(keeping, "reply", "reply", reply);
        add(keeping, "request", "head", span_buf(&asking->head));
        add(keeping, "checkpoint", "believed", span_buf(&keeping->note));
        add(keeping, "registry", "registry", span_buf(&keeping->document));
        if (document->version == 0) {
            add(keeping, "keys", "public-keys.yaml", keyring_text(setup->keyring));
        }
    }
    return error;
}

/* By what this agency counts, where it says of a rung that it came too early or never. */
static enum err fill_rules(struct agent *agent, struct keeping *keeping)
{
    enum err error;

    if (rungs_alarm(agent) == RUNGS_FINE) {
        return OK;
    }
    error = calendar_write(agent->setup.calendar, &keeping->days);
    if (error == OK) {
        add(keeping, "calendar", "days", span_buf(&keeping->days));
        add(keeping, "policy", "policy.yaml", agent->setup.policy_text);
    }
    return error == ERR_INVALID ? OK : error; /* of a form that no file has */
}

static enum err write_file(struct agent *agent, const struct keeping *keeping)
{
    const struct evidence evidence = {.suite = crypto_suite(),
                                      .about = EVIDENCE_LIE,
                                      .parts = keeping->parts,
                                      .part_count = keeping->count};
    struct buf file;
    enum err error;

    buf_init(&file, LIMIT_EVIDENCE_BYTES);
    error = evidence_encode(&evidence, &file);
    if (error == OK) {
        error =
            agent->setup.ops->keep_evidence(agent->setup.ctx, span_buf(&file), agent->caught.file);
    }
    buf_free(&file);
    return error;
}

void lie_keep(struct agent *agent, enum agent_slot slot, struct span reply)
{
    struct keeping keeping = {.count = 0};
    enum err error;

    if (agent->setup.ops->keep_evidence == NULL) {
        return;
    }
    buf_init(&keeping.verdict, VERDICT_MAX);
    buf_init(&keeping.note, CHECKPOINT_BYTES);
    buf_init(&keeping.document, REGISTRY_DOCUMENT_BYTES);
    buf_init(&keeping.days, DAYS_BYTES);
    error = fill(agent, &agent->askings[slot], reply, &keeping);
    error = error == OK ? fill_rules(agent, &keeping) : error;
    error = error == OK ? write_file(agent, &keeping) : error;
    if (error == OK) {
        text_copy(agent->distrust.evidence, sizeof(agent->distrust.evidence), agent->caught.file);
        log_event(EVENT_EVIDENCE_KEPT, "what the broker was caught with is in %s: keep it safe",
                  agent->caught.file);
    } else {
        log_event(EVENT_EVIDENCE_LOST, "what the broker was caught with could not be kept: %s",
                  error == ERR_FULL ? "as many files as may be are there: move them away"
                                    : err_text(error));
    }
    buf_free(&keeping.verdict);
    buf_free(&keeping.note);
    buf_free(&keeping.document);
    buf_free(&keeping.days);
}
