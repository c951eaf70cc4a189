/* How: one cursor (model/pack) writes and another reads the same fields in the same order: a
 * version byte, then numbers, texts and lists with their length before them. The reader checks
 * every value, so that a referral in memory is always one that decide could have made. */
#include <assert.h>
#include <string.h>

#include "model/lanes.h"
#include "model/pack.h"
#include "model/referral.h"
#include "model/vocabulary.h"

#define PACK_VERSION       2
#define PACK_VERSION_FIRST 1 /* without what put_agreement writes */

enum pack_flag {
    FLAG_LIFE_DANGER = 1u << 0,
    FLAG_URGENT = 1u << 1,
    FLAG_ADVANCE = 1u << 2,
    FLAG_MINOR = 1u << 3,
    FLAG_NO_PUBLICITY = 1u << 4,
    FLAG_LATE = 1u << 5,
    FLAG_ALL = (1u << 6) - 1
};

static uint32_t flags_of(const struct referral *referral)
{
    return (referral->life_danger ? FLAG_LIFE_DANGER : 0u) | (referral->urgent ? FLAG_URGENT : 0u) |
           (referral->advance ? FLAG_ADVANCE : 0u) | (referral->minor ? FLAG_MINOR : 0u) |
           (referral->no_publicity ? FLAG_NO_PUBLICITY : 0u) | (referral->late ? FLAG_LATE : 0u);
}

/* ---- the parts, each as writer and reader ---- */

static void put_identity(struct pack_writer *writer, const struct referral *referral)
{
    pack_put_bytes(writer, referral->case_id.bytes, UUID_BYTES);
    pack_put_bytes(writer, referral->referral_id.bytes, UUID_BYTES);
    pack_put_bytes(writer, referral->message_id.bytes, UUID_BYTES);
    pack_put_bytes(writer, referral->papers_id.bytes, UUID_BYTES);
    pack_put_text(writer, referral->case_number);
    pack_put_text(writer, referral->number);
    pack_put_text(writer, referral->register_number);
    pack_put(writer, (uint64_t)referral->kind, 1);
    pack_put(writer, referral->sender, 2);
    pack_put(writer, referral->receiver, 2);
    pack_put(writer, referral->lane, 1);
    pack_put(writer, flags_of(referral), 1);
    pack_put(writer, referral->ground, 2);
    pack_put(writer, referral->minor_marks, 4);
    pack_put(writer, referral->priority_groups, 8);
    pack_put(writer, referral->needs, 8);
    pack_put(writer, referral->person_count, 2);
}

static void get_identity(struct pack_reader *reader, struct referral *referral)
{
    pack_get_bytes(reader, referral->case_id.bytes, UUID_BYTES);
    pack_get_bytes(reader, referral->referral_id.bytes, UUID_BYTES);
    pack_get_bytes(reader, referral->message_id.bytes, UUID_BYTES);
    pack_get_bytes(reader, referral->papers_id.bytes, UUID_BYTES);
    pack_get_text(reader, referral->case_number, sizeof(referral->case_number));
    pack_get_text(reader, referral->number, sizeof(referral->number));
    pack_get_text(reader, referral->register_number, sizeof(referral->register_number));
    referral->kind = (enum message_kind)pack_get_max(reader, 1, MESSAGE_INBOUND_REFERRAL);
    referral->sender = (uint16_t)pack_get(reader, 2);
    referral->receiver = (uint16_t)pack_get(reader, 2);
    referral->lane = (uint8_t)pack_get_max(reader, 1, LANE_COUNT - 1);
    uint32_t flags = pack_get_max(reader, 1, FLAG_ALL);
    referral->life_danger = (flags & FLAG_LIFE_DANGER) != 0;
    referral->urgent = (flags & FLAG_URGENT) != 0;
    referral->advance = (flags & FLAG_ADVANCE) != 0;
    referral->minor = (flags & FLAG_MINOR) != 0;
    referral->no_publicity = (flags & FLAG_NO_PUBLICITY) != 0;
    referral->late = (flags & FLAG_LATE) != 0;
    referral->ground = (uint32_t)pack_get(reader, 2);
    referral->minor_marks = (uint32_t)pack_get(reader, 4);
    referral->priority_groups = pack_get(reader, 8);
    referral->needs = pack_get(reader, 8);
    referral->person_count = (uint32_t)pack_get(reader, 2);
    if (referral->kind == MESSAGE_NONE) {
        reader->bad = true;
    }
}

static void put_progress(struct pack_writer *writer, const struct referral *referral)
{
    pack_put(writer, (uint64_t)referral->state, 1);
    pack_put(writer, referral->marks, 1);
    pack_put(writer, referral->submitted_ms, 8);
    pack_put(writer, referral->delivered_ms, 8);
    pack_put(writer, referral->agent_received_ms, 8);
    pack_put(writer, referral->signed_ms, 8);
    pack_put(writer, referral->answered_ms, 8);
    pack_put(writer, referral->claimed_ms, 8);
    pack_put(writer, (uint64_t)referral->outcome, 1);
    pack_put(writer, referral->procedure_count, 2);
    pack_put(writer, referral->window_number, 2);
    pack_put(writer, referral->lateness_days, 4);
    pack_put(writer, referral->tell_holder, 2);
    pack_put(writer, referral->papers_holder, 2);
    pack_put_text(writer, referral->calendar_version);
    pack_put(writer, referral->last_leaf, 8);
    pack_put(writer, referral->next_due_ms, 8);
}

static void get_progress(struct pack_reader *reader, struct referral *referral)
{
    referral->state = (enum referral_state)pack_get_max(reader, 1, REFERRAL_STATE_COUNT - 1);
    referral->marks = pack_get_max(reader, 1, MARK_SIGNED | MARK_INFORMED | MARK_ASSISTED);
    referral->submitted_ms = pack_get(reader, 8);
    referral->delivered_ms = pack_get(reader, 8);
    referral->agent_received_ms = pack_get(reader, 8);
    referral->signed_ms = pack_get(reader, 8);
    referral->answered_ms = pack_get(reader, 8);
    referral->claimed_ms = pack_get(reader, 8);
    referral->outcome = (enum feedback_outcome)pack_get_max(reader, 1, OUTCOME_COUNT - 1);
    referral->procedure_count = (uint32_t)pack_get(reader, 2);
    referral->window_number = (uint32_t)pack_get(reader, 2);
    referral->lateness_days = (uint32_t)pack_get(reader, 4);
    referral->tell_holder = (uint16_t)pack_get(reader, 2);
    referral->papers_holder = (uint16_t)pack_get(reader, 2);
    pack_get_text(reader, referral->calendar_version, sizeof(referral->calendar_version));
    referral->last_leaf = pack_get(reader, 8);
    referral->next_due_ms = pack_get(reader, 8);
}

static void put_clocks(struct pack_writer *writer, const struct referral *referral)
{
    uint32_t used = 0;
    for (uint32_t clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        used |= referral->clocks[clock].number != 0 ? 1u << clock : 0;
    }
    pack_put(writer, used, 1);
    for (uint32_t clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if ((used & 1u << clock) != 0) {
            pack_put_window(writer, &referral->clocks[clock]);
        }
    }
}

static void get_clocks(struct pack_reader *reader, struct referral *referral)
{
    uint32_t used = pack_get_max(reader, 1, (1u << REFERRAL_CLOCK_COUNT) - 1);
    for (uint32_t clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if ((used & 1u << clock) != 0) {
            pack_get_window(reader, &referral->clocks[clock]);
        }
    }
}

static void put_documents(struct pack_writer *writer, const struct referral *referral)
{
    assert(referral->document_count <= REFERRAL_DOCUMENTS_MAX);
    pack_put(writer, referral->document_count, 1);
    for (uint32_t i = 0; i < referral->document_count; i++) {
        const struct referral_document *document = &referral->documents[i];
        pack_put(writer, (uint64_t)document->clock, 1);
        pack_put(writer, (uint64_t)document->rung, 1);
        pack_put(writer, document->year, 2);
        pack_put(writer, document->counter, 4);
    }
}

static void get_documents(struct pack_reader *reader, struct referral *referral)
{
    referral->document_count = pack_get_max(reader, 1, REFERRAL_DOCUMENTS_MAX);
    for (uint32_t i = 0; i < referral->document_count; i++) {
        struct referral_document *document = &referral->documents[i];
        document->clock = (enum referral_clock)pack_get_max(reader, 1, REFERRAL_CLOCK_COUNT - 1);
        document->rung = (enum rung)pack_get_max(reader, 1, RUNG_COUNT - 1);
        document->year = (uint32_t)pack_get(reader, 2);
        document->counter = (uint32_t)pack_get(reader, 4);
    }
}

/* What a record of the first version still tells of them: its newest windows. */
static void recover_counts(struct referral *referral)
{
    referral->late_answers = referral->late ? 1 : 0;
    for (uint32_t at = 0; at < REFERRAL_CLOCK_COUNT * RUNG_COUNT; at++) {
        enum rung rung = (enum rung)(at % RUNG_COUNT);
        bool raised = rung_set_has(referral->clocks[at / RUNG_COUNT].raised, rung);
        referral->raised[rung_step_of(rung)] += raised ? 1 : 0;
    }
}

/* What version 2 added: the trail, the measures, and what was said to each document. */
static void put_agreement(struct pack_writer *writer, const struct referral *referral)
{
    assert(referral->help_count <= REFERRAL_HELPS_MAX);
    pack_put_bytes(writer, referral->previous.bytes, UUID_BYTES);
    pack_put(writer, referral->link, 1);
    pack_put(writer, referral->hops, 2);
    pack_put(writer, referral->lead_channel, 1);
    pack_put(writer, referral->granted, 8);
    pack_put(writer, referral->delivered, 8);
    pack_put(writer, referral->assisted_ms, 8);
    pack_put(writer, referral->late_answers, 2);
    for (uint32_t step = 0; step < RUNG_STEP_COUNT; step++) {
        pack_put(writer, referral->raised[step], 2);
    }
    for (uint32_t i = 0; i < referral->document_count; i++) {
        pack_put(writer, referral->documents[i].answer, 1);
    }
    pack_put(writer, referral->help_count, 1);
    for (uint32_t i = 0; i < referral->help_count; i++) {
        const struct referral_help *help = &referral->helps[i];
        pack_put(writer, help->stage, 1);
        pack_put(writer, help->measure, 1);
        pack_put(writer, help->person_index, 1);
        pack_put(writer, help->newest, 2);
        pack_put(writer, help->seen, 8);
        pack_put(writer, help->amount_fen, 8);
    }
}

static void get_agreement(struct pack_reader *reader, struct referral *referral)
{
    pack_get_bytes(reader, referral->previous.bytes, UUID_BYTES);
    referral->link = pack_get_max(reader, 1, LINK_SUPPLEMENT);
    referral->hops = (uint32_t)pack_get(reader, 2);
    referral->lead_channel = (uint32_t)pack_get(reader, 1);
    referral->granted = pack_get(reader, 8);
    referral->delivered = pack_get(reader, 8);
    referral->assisted_ms = pack_get(reader, 8);
    referral->late_answers = (uint32_t)pack_get(reader, 2);
    for (uint32_t step = 0; step < RUNG_STEP_COUNT; step++) {
        referral->raised[step] = (uint32_t)pack_get(reader, 2);
    }
    for (uint32_t i = 0; i < referral->document_count; i++) {
        referral->documents[i].answer = (uint32_t)pack_get(reader, 1);
    }
    referral->help_count = pack_get_max(reader, 1, REFERRAL_HELPS_MAX);
    for (uint32_t i = 0; i < referral->help_count; i++) {
        struct referral_help *help = &referral->helps[i];
        help->stage = pack_get_max(reader, 1, STAGE_DELIVERED);
        help->measure = pack_get_max(reader, 1, 63); /* a bit of a set */
        help->person_index = pack_get_max(reader, 1, LIMIT_PERSONS - 1);
        help->newest = (uint32_t)pack_get(reader, 2);
        help->seen = pack_get(reader, 8);
        help->amount_fen = pack_get(reader, 8);
    }
}

size_t referral_pack(const struct referral *referral, uint8_t out[REFERRAL_PACKED_MAX])
{
    struct pack_writer writer = {.to = out, .max = REFERRAL_PACKED_MAX};
    assert(referral->state != REFERRAL_SUBMITTED);
    pack_put(&writer, PACK_VERSION, 1);
    put_identity(&writer, referral);
    put_progress(&writer, referral);
    put_clocks(&writer, referral);
    put_documents(&writer, referral);
    put_agreement(&writer, referral);
    return writer.len;
}

enum err referral_unpack(struct span packed, struct referral *ret_referral)
{
    struct pack_reader reader = {.from = packed};
    struct referral referral;
    memset(&referral, 0, sizeof(referral));
    if (packed.len == 0) {
        return ERR_CORRUPT;
    }
    uint64_t version = pack_get(&reader, 1);
    if (version != PACK_VERSION && version != PACK_VERSION_FIRST) {
        return ERR_VERSION;
    }
    get_identity(&reader, &referral);
    get_progress(&reader, &referral);
    get_clocks(&reader, &referral);
    get_documents(&reader, &referral);
    if (version == PACK_VERSION_FIRST) {
        recover_counts(&referral);
    } else {
        get_agreement(&reader, &referral);
    }
    if (reader.bad || reader.at != packed.len || referral.state == REFERRAL_SUBMITTED) {
        return ERR_CORRUPT;
    }
    *ret_referral = referral;
    return OK;
}
