/* How: one cursor writes and another reads the same fields in the same order, as referral_pack.c.
 * The first byte has its high bit set, which a referral's never has. Whatever is accepted packs to
 * the same bytes again. */
#include <assert.h>
#include <string.h>

#include "model/lanes.h"
#include "model/matter.h"
#include "model/pack.h"

#define PACK_MATTER  0x80u
#define PACK_VERSION (PACK_MATTER | 1u)

enum {
    IDENTITY_MAX = 4 * UUID_BYTES + 2 * LIMIT_NUMBER_BYTES + 64,
    MEMBER_BYTES = 4,
    DUTY_BYTES = 66,
    DOCUMENT_BYTES = 10,
    PROGRESS_MAX = 80
};
_Static_assert(1 + IDENTITY_MAX + PROGRESS_MAX + 6 + LIMIT_MEMBERS * MEMBER_BYTES +
                       LIMIT_DUTIES * DUTY_BYTES + MATTER_DOCUMENTS_MAX * DOCUMENT_BYTES <=
                   MATTER_PACKED_MAX,
               "the fullest matter fits");

static void put_identity(struct pack_writer *writer, const struct matter *matter)
{
    pack_put_bytes(writer, matter->case_id.bytes, UUID_BYTES);
    pack_put_bytes(writer, matter->matter_id.bytes, UUID_BYTES);
    pack_put_bytes(writer, matter->about.bytes, UUID_BYTES);
    pack_put_bytes(writer, matter->message_id.bytes, UUID_BYTES);
    pack_put_text(writer, matter->case_number);
    pack_put_text(writer, matter->number);
    pack_put(writer, (uint64_t)matter->kind, 1);
    pack_put(writer, (uint64_t)matter->state, 1);
    pack_put(writer, matter->owner, 2);
    pack_put(writer, matter->lane, 1);
    pack_put(writer, matter->minor ? 1 : 0, 1);
}

static void get_identity(struct pack_reader *reader, struct matter *matter)
{
    pack_get_bytes(reader, matter->case_id.bytes, UUID_BYTES);
    pack_get_bytes(reader, matter->matter_id.bytes, UUID_BYTES);
    pack_get_bytes(reader, matter->about.bytes, UUID_BYTES);
    pack_get_bytes(reader, matter->message_id.bytes, UUID_BYTES);
    pack_get_text(reader, matter->case_number, sizeof(matter->case_number));
    pack_get_text(reader, matter->number, sizeof(matter->number));
    matter->kind = (enum matter_kind)pack_get_max(reader, 1, MATTER_KIND_COUNT - 1);
    matter->state = (enum matter_state)pack_get_max(reader, 1, MATTER_CANCELLED);
    matter->owner = (uint16_t)pack_get(reader, 2);
    matter->lane = (uint8_t)pack_get_max(reader, 1, LANE_COUNT - 1);
    matter->minor = pack_get_max(reader, 1, 1) != 0;
    if (matter->kind == MATTER_NONE || matter->state < MATTER_OPEN || matter->owner == 0) {
        reader->bad = true;
    }
}

static void put_progress(struct pack_writer *writer, const struct matter *matter)
{
    pack_put(writer, matter->opened_ms, 8);
    pack_put(writer, matter->closed_ms, 8);
    pack_put(writer, matter->reports, 4);
    pack_put(writer, matter->hardship, 1);
    pack_put(writer, matter->risk, 1);
    pack_put(writer, matter->fund_fen, 8);
    pack_put(writer, matter->paid_fen, 8);
    pack_put(writer, matter->balance_fen, 8);
    pack_put(writer, matter->last_leaf, 8);
    pack_put(writer, matter->next_due_ms, 8);
}

static void get_progress(struct pack_reader *reader, struct matter *matter)
{
    matter->opened_ms = pack_get(reader, 8);
    matter->closed_ms = pack_get(reader, 8);
    matter->reports = (uint32_t)pack_get(reader, 4);
    matter->hardship = (uint32_t)pack_get(reader, 1);
    matter->risk = (uint32_t)pack_get(reader, 1);
    matter->fund_fen = pack_get(reader, 8);
    matter->paid_fen = pack_get(reader, 8);
    matter->balance_fen = pack_get(reader, 8);
    matter->last_leaf = pack_get(reader, 8);
    matter->next_due_ms = pack_get(reader, 8);
    if ((matter->closed_ms == 0) != (matter->state == MATTER_OPEN)) {
        reader->bad = true;
    }
}

static void put_members(struct pack_writer *writer, const struct matter *matter)
{
    assert(matter->member_count <= LIMIT_MEMBERS);
    pack_put(writer, matter->member_count, 2);
    for (uint32_t i = 0; i < matter->member_count; i++) {
        const struct matter_member *member = &matter->members[i];
        pack_put(writer, member->agency, 2);
        pack_put(writer, member->delivered ? 1 : 0, 1);
        pack_put(writer, member->answers, 1);
    }
}

static void get_members(struct pack_reader *reader, struct matter *matter)
{
    uint32_t count = pack_get_max(reader, 2, LIMIT_MEMBERS);
    for (uint32_t i = 0; i < count; i++) {
        struct matter_member member = {.agency = (uint16_t)pack_get(reader, 2)};
        member.delivered = pack_get_max(reader, 1, 1) != 0;
        member.answers = (uint32_t)pack_get(reader, 1);
        if (member.agency == 0 || matter_is_member(matter, member.agency)) {
            reader->bad = true;
            return;
        }
        matter->members[matter->member_count++] = member;
    }
}

static void put_duties(struct pack_writer *writer, const struct matter *matter)
{
    assert(matter->duty_count <= LIMIT_DUTIES);
    pack_put(writer, matter->duty_count, 2);
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        const struct duty *duty = &matter->duties[i];
        assert(duty->number == duty->window.number);
        pack_put(writer, (uint64_t)duty->kind, 1);
        pack_put(writer, duty->holder, 2);
        pack_put(writer, duty->waiting, 2);
        pack_put(writer, duty->code, 2);
        pack_put(writer, duty->amount_fen, 8);
        pack_put(writer, duty->cancelled ? 1 : 0, 1);
        pack_put_window(writer, &duty->window);
    }
}

static void get_duties(struct pack_reader *reader, struct matter *matter)
{
    uint32_t last = 0;
    matter->duty_count = pack_get_max(reader, 2, LIMIT_DUTIES);
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        struct duty *duty = &matter->duties[i];
        duty->kind = (enum duty_kind)pack_get_max(reader, 1, DUTY_KIND_END - 1);
        duty->holder = (uint16_t)pack_get(reader, 2);
        duty->waiting = (uint16_t)pack_get(reader, 2);
        duty->code = (uint32_t)pack_get(reader, 2);
        duty->amount_fen = pack_get(reader, 8);
        duty->cancelled = pack_get_max(reader, 1, 1) != 0;
        pack_get_window(reader, &duty->window);
        duty->number = duty->window.number;
        bool dated = duty->window.kind == CLOCK_DATED;
        if (dated != (duty->window.basis == BASIS_GIVEN) || duty->kind < DUTY_INFORMATION ||
            duty->number <= last || !matter_is_member(matter, duty->holder) ||
            !matter_is_member(matter, duty->waiting)) {
            reader->bad = true;
            return;
        }
        last = duty->number;
    }
}

static void put_documents(struct pack_writer *writer, const struct matter *matter)
{
    assert(matter->document_count <= MATTER_DOCUMENTS_MAX);
    pack_put(writer, matter->document_count, 2);
    for (uint32_t i = 0; i < matter->document_count; i++) {
        const struct matter_document *document = &matter->documents[i];
        pack_put(writer, document->duty, 2);
        pack_put(writer, document->rung, 1);
        pack_put(writer, document->year, 2);
        pack_put(writer, document->counter, 4);
        pack_put(writer, document->answer, 1);
    }
}

static void get_documents(struct pack_reader *reader, struct matter *matter)
{
    matter->document_count = pack_get_max(reader, 2, MATTER_DOCUMENTS_MAX);
    for (uint32_t i = 0; i < matter->document_count; i++) {
        struct matter_document *document = &matter->documents[i];
        document->duty = (uint16_t)pack_get(reader, 2);
        document->rung = (uint8_t)pack_get_max(reader, 1, RUNG_COUNT - 1);
        document->year = (uint16_t)pack_get(reader, 2);
        document->counter = (uint32_t)pack_get(reader, 4);
        document->answer = (uint8_t)pack_get(reader, 1);
        if (reader->bad || !rung_is_document((enum rung)document->rung) ||
            matter_duty(matter, document->duty) == NULL) {
            reader->bad = true;
            return;
        }
    }
}

size_t matter_pack(const struct matter *matter, uint8_t out[MATTER_PACKED_MAX])
{
    struct pack_writer writer = {.to = out, .max = MATTER_PACKED_MAX};
    pack_put(&writer, PACK_VERSION, 1);
    put_identity(&writer, matter);
    put_progress(&writer, matter);
    put_members(&writer, matter);
    put_duties(&writer, matter);
    put_documents(&writer, matter);
    return writer.len;
}

bool matter_is_packed(struct span packed)
{
    return packed.len > 0 && (packed.data[0] & PACK_MATTER) != 0;
}

enum err matter_unpack(struct span packed, struct matter *ret_matter)
{
    struct pack_reader reader = {.from = packed};
    struct matter matter;
    memset(&matter, 0, sizeof(matter));
    if (!matter_is_packed(packed)) {
        return ERR_CORRUPT;
    }
    if (pack_get(&reader, 1) != PACK_VERSION) {
        return ERR_VERSION;
    }
    get_identity(&reader, &matter);
    get_progress(&reader, &matter);
    get_members(&reader, &matter);
    get_duties(&reader, &matter);
    get_documents(&reader, &matter);
    if (reader.bad || reader.at != packed.len) {
        return ERR_CORRUPT;
    }
    *ret_matter = matter;
    return OK;
}
