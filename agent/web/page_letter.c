/* The transfer letter of a referral (移送函) and the feedback letter of a feedback (反馈函), as a
 * page that prints in the letter format of GB/T 9704. What the letter says is the message: nothing
 * is typed a second time. The seal is the agency's own business: there is only room for it. */
#include <stdio.h>
#include <string.h>

#include "agent/bodies.h"
#include "agent/web/view_parts.h"
#include "model/identity.h"
#include "model/letter.h"
#include "wire/envelope.h"
#include "wire/sealing.h"
#include "wire/body_rest.h"

#define LINES_FIXED     7u /* title, whom, signature */
#define MATERIAL_LETTER 1u /* of VOCABULARY_MATERIAL: this letter itself */

struct paper { /* a message, opened */
    struct row row;
    struct message message;
    struct payload payload;
    struct body body;
    bool opened; /* the body too */
};

struct letter {
    struct store_txn *read;
    struct region *region;
    struct paper main;     /* what the letter is of */
    struct paper referral; /* the referral that a feedback answers */
    bool feedback, outbound;
    uint32_t width; /* of the text, in half characters: how much is it? */
    uint32_t lines; /* of short lines, which take a whole one each */
};

/* --- open --- */

static enum err open_paper(struct page *page, struct letter *letter, const struct uuid *id,
                           struct paper *paper)
{
    enum err error = row_find(letter->read, id, &paper->row);

    if (error == OK) {
        error = show_open_row(letter->read, &paper->row, letter->region, &paper->payload,
                              &paper->message);
    }
    if (error == OK) {
        paper->opened =
            show_open_body(page->agent,
                           &(struct kept_body){letter->read, &paper->row, &paper->payload},
                           letter->region, &paper->body) == OK;
    }
    return error;
}

static bool is_feedback(enum message_kind kind)
{
    return kind == MESSAGE_OUTBOUND_FEEDBACK || kind == MESSAGE_INBOUND_FEEDBACK;
}

static bool is_referral(enum message_kind kind)
{
    return kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_REFERRAL;
}

/* The referral itself: the first message of it. */
static enum err open_referral(struct page *page, struct letter *letter)
{
    struct row row = {.seq = 0};
    enum err error = OK;

    do {
        error = row_of_referral(letter->read, &letter->main.row.header.referral_id, row.seq, &row);
    } while (error == OK && !is_referral(row.header.kind));
    return error == OK ? open_paper(page, letter, &row.header.message_id, &letter->referral)
                       : error;
}

static enum err open_letter(struct page *page, struct letter *letter)
{
    struct uuid id;
    enum err error = uuid_parse(page->tail, &id);

    if (error == OK) {
        error = open_paper(page, letter, &id, &letter->main);
    }
    if (error != OK) {
        return error;
    }
    letter->feedback = is_feedback(letter->main.row.header.kind);
    letter->outbound = letter->main.row.header.kind == MESSAGE_OUTBOUND_REFERRAL ||
                       letter->main.row.header.kind == MESSAGE_OUTBOUND_FEEDBACK;
    if (letter->feedback) {
        return open_referral(page, letter);
    }
    return is_referral(letter->main.row.header.kind) ? OK : ERR_NOT_FOUND;
}

/* --- how long it is --- */

static uint32_t width_of(const char *text)
{
    uint32_t width = 0;

    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        width += *at < 0x80u ? 1 : (*at & 0xc0u) != 0x80u ? 2 : 0;
    }
    return width;
}

/* A paragraph: its lines, the first two characters of which stay empty. A line has room for 28, of
 * which a mark that may not begin the next one, or a word that is not parted, takes up to two. */
static void count_paragraph(struct letter *letter, uint32_t width)
{
    letter->lines += (width + 4 + 51) / 52;
    letter->width += width;
}

static void some_paragraph(struct page *page, struct letter *letter, const char *name,
                           const char *text)
{
    if (text != NULL && text[0] != '\0') {
        named_text(&page->view, name, text);
        count_paragraph(letter, width_of(text));
    }
}

static uint32_t count_bits(uint64_t set)
{
    uint32_t count = 0;

    for (; set != 0; set &= set - 1) {
        count++;
    }
    return count;
}

/* Which of the sizes keeps it on one page; none: it goes on. */
static const char *fit_of(const struct letter *letter)
{
    static const struct {
        uint32_t lines;
        const char *class;
    } fits[] = {{19, "fit0"}, {22, "fit1"}, {26, "fit2"}, {34, "fit3"}};

    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
        if (letter->lines <= fits[i].lines) {
            return fits[i].class;
        }
    }
    return "long";
}

/* --- the head --- */

static void view_org(struct page *page, const struct agency *agency)
{
    const char *name = page->language == LANGUAGE_EN ? agency->name_en : agency->name_zh;
    const uint32_t width = width_of(name);
    const bool both = agency->name_mn[0] != '\0';
    char class[32];

    (void)snprintf(class, sizeof(class), "%s%s",
                   width <= 22   ? "w0"
                   : width <= 30 ? "w1"
                                 : "w2",
                   both ? " both" : "");
    named_text(&page->view, "org", name);
    named_text(&page->view, "org_class", class);
    some_text(&page->view, "mongolian", agency->name_mn);
}

/* 2026年9月7日: a letter has no day of the week. */
static void view_date(struct page *page, const char *name, uint64_t instant_ms)
{
    const int32_t day = civil_day_at(instant_ms);
    const struct civil_date date = civil_date_of(day);
    char text[PAGE_DAY_BYTES];

    civil_format(day, text);
    if (page->language != LANGUAGE_EN) {
        (void)snprintf(text, sizeof(text), "%d年%d月%d日", date.year, date.month, date.day);
    }
    named_text(&page->view, name, text);
}

/* Which feedback of the referral it is: the ones recorded before it count. */
static uint32_t ordinal_of(const struct letter *letter)
{
    const struct row *main = &letter->main.row;
    struct row row = {.seq = 0};
    uint32_t before = 0;

    while (row_of_referral(letter->read, &main->header.referral_id, row.seq, &row) == OK) {
        const bool recorded = row.state != ROW_WAITING && row.state != ROW_REFUSED;
        const bool earlier = main->recorded_ms == 0 || row.order < main->order;

        before += is_feedback(row.header.kind) && recorded && earlier &&
                          !uuid_equal(&row.header.message_id, &main->header.message_id)
                      ? 1
                      : 0;
    }
    return before + 1;
}

static void register_number_of(struct page *page, const struct letter *letter,
                               char out[LIMIT_NUMBER_BYTES])
{
    const struct message_header *header = &letter->main.row.header;
    const struct case_key key = {.case_id = header->case_id, .referral_id = header->referral_id};
    const struct copy *copy = page->agent->copy;

    text_copy(out, LIMIT_NUMBER_BYTES, letter->main.message.feedback.register_number);
    if (out[0] == '\0' && copy_load(letter->read, &key, page->agent->copy) == OK && copy->known &&
        !copy->of_matter) {
        text_copy(out, LIMIT_NUMBER_BYTES, copy->referral.register_number);
    }
}

static void view_numbers(struct page *page, const struct letter *letter,
                         const struct agency *sender)
{
    const struct message_header *header = &letter->main.row.header;
    char shown[LETTER_NUMBER_BYTES], registered[LIMIT_NUMBER_BYTES];
    const struct agency *other = registry_find(page->agent->setup.registry, header->recipient);

    named_text(&page->view, "number", header->referral_number);
    named_text(&page->view, "case_number", header->case_number);
    if (!letter->feedback) {
        (void)!letter_number(sender, LETTER_TRANSFER, header->referral_number, 1, shown);
        some_text(&page->view, "letter_number", shown);
        return;
    }
    register_number_of(page, letter, registered);
    (void)!letter_number(sender, LETTER_FEEDBACK, registered, ordinal_of(letter), shown);
    some_text(&page->view, "letter_number", shown);
    some_text(&page->view, "register", registered);
    if (other != NULL &&
        letter_number(other, LETTER_TRANSFER, header->referral_number, 1, shown) == OK) {
        named_text(&page->view, "their_number", shown);
    }
}

static void view_copies(struct page *page, struct letter *letter)
{
    const struct registry *registry = page->agent->setup.registry;
    const char *between = page->language == LANGUAGE_EN ? ", " : "，";
    struct buf text;

    buf_init(&text, 8192);
    for (size_t i = 0; i < registry_count(registry); i++) {
        const uint16_t number = registry_at(registry, i)->number;

        if (agency_set_has(&letter->main.message.copies, number)) {
            (void)!buf_append_text(&text, text.len > 0 ? between : "");
            (void)!buf_append_text(&text, page_agency(page, number));
        }
    }
    if (text.len > 0 && buf_append(&text, "", 1) == OK) {
        named_text(&page->view, "copies", (const char *)text.data);
        letter->lines++;
    }
    buf_free(&text);
}

static void view_code(struct page *page, const struct paper *paper)
{
    const struct digest digest = message_digest_at_rest(&paper->payload);
    struct letter_code code;
    char text[LETTER_CODE_BYTES], href[LETTER_CODE_BYTES + 16];

    letter_code_of(&paper->row.header.message_id, &digest, &code);
    letter_code_format(&code, text);
    (void)snprintf(href, sizeof(href), "/verify?code=%s", text);
    named_text(&page->view, "code", text);
    named_text(&page->view, "verify", href);
}

/* --- persons --- */

static void append_person(const struct page *page, const struct body_person *person, bool open,
                          struct buf *text)
{
    const bool english = page->language == LANGUAGE_EN;
    const char *number = person->identity_number != NULL ? person->identity_number : "";
    const size_t len = strlen(number);
    const char *comma = english ? ", " : "，";

    (void)!buf_printf(text, "%s", person->name != NULL ? person->name : "");
    if (!person->minor && len == 0) {
        return;
    }
    (void)!buf_append_text(text, english ? " (" : "（");
    if (person->minor) {
        (void)!buf_printf(text, "%s%s", tr(page, N_("未成年人")), len > 0 ? comma : "");
    }
    if (len > 10 && !open && identity_valid(number)) {
        (void)!buf_printf(text, "%s%.6s********%s", tr(page, N_("身份证号")), number,
                          number + len - 4);
    } else if (len > 0) {
        (void)!buf_printf(text, "%s%s", tr(page, N_("身份证号")), open ? number : "****");
    }
    (void)!buf_append_text(text, english ? ")" : "）");
}

/* All of them, and the first with how many there are for the title. */
static void view_applicants(struct page *page, struct letter *letter)
{
    const struct paper *paper = letter->feedback ? &letter->referral : &letter->main;
    const bool open = page_revealed(page, &paper->row.header.message_id);
    const bool english = page->language == LANGUAGE_EN;
    struct buf text;
    char first[257]; /* a name has 256 bytes at the most */

    named_bool(&page->view, "revealed", open);
    if (!paper->opened || paper->body.person_count == 0) {
        return;
    }
    buf_init(&text, 65536);
    for (size_t i = 0; i < paper->body.person_count; i++) {
        (void)!buf_append_text(&text, i > 0 ? (english ? ", " : "、") : "");
        append_person(page, &paper->body.persons[i], open, &text);
    }
    if (buf_append(&text, "", 1) == OK) {
        named_text(&page->view, "persons", (const char *)text.data);
        count_paragraph(letter, width_of((const char *)text.data) + 110);
    }
    if (text.cap > 0) {
        crypto_wipe(text.data, text.cap);
    }
    buf_free(&text);
    (void)snprintf(first, sizeof(first), "%s",
                   paper->body.persons[0].name != NULL ? paper->body.persons[0].name : "");
    named_text(&page->view, "applicant", first);
    named_u64(&page->view, "person_count", paper->body.person_count);
    named_bool(&page->view, "several", paper->body.person_count > 1);
}

/* --- what a transfer letter says --- */

/* "《实施意见》第四条第（三）项（被害人死亡…）" */
static void view_ground(struct page *page, uint32_t ground)
{
    static const char *const numerals[] = {"",   "一", "二", "三", "四",
                                           "五", "六", "七", "八", "九"};
    const char *word = page_word(page, VOCABULARY_GROUND, ground);
    const bool minor = ground >= GROUND_ART18_FIRST && ground <= GROUND_ART18_LAST;
    const uint32_t item = minor ? ground - GROUND_ART18_FIRST + 1 : ground - GROUND_ART4_FIRST + 1;
    char text[256];

    if (!minor && (ground < GROUND_ART4_FIRST || ground > GROUND_ART4_LAST)) {
        some_text(&page->view, "ground", word);
    } else if (page->language == LANGUAGE_EN) {
        (void)snprintf(text, sizeof(text), "Article %u (%u): %s", minor ? 18u : 4u, item, word);
        named_text(&page->view, "ground", text);
    } else {
        (void)snprintf(text, sizeof(text), "《实施意见》%s第（%s）项（%s）",
                       minor ? "第十八条" : "第四条", numerals[item], word);
        named_text(&page->view, "ground", text);
    }
}

static void view_materials(struct page *page, struct letter *letter, bool missing)
{
    const struct referral_facts *facts = &letter->main.message.referral;
    uint32_t width = 12;
    size_t count = 0;

    json_name(&page->view, missing ? "missing" : "attachments");
    json_array_begin(&page->view);
    for (size_t i = 0; i < facts->material_count; i++) {
        const struct material *material = &facts->materials[i];

        if ((material->missing_reason != 0) == missing && material->kind != MATERIAL_LETTER) {
            const char *kind = page_word(page, VOCABULARY_MATERIAL, material->kind);
            const char *why = page_word(page, VOCABULARY_MISSING_REASON, material->missing_reason);

            json_object_begin(&page->view);
            named_text(&page->view, "kind", kind);
            named_text(&page->view, "why", why);
            width += width_of(kind) + width_of(why) + 6;
            named_bool(&page->view, "next", count > 0);
            json_object_end(&page->view);
            count++;
        }
    }
    json_array_end(&page->view);
    named_bool(&page->view, missing ? "any_missing" : "any_attachment", count > 0);
    if (missing && count > 0) { /* one paragraph; attached ones have a line each */
        count_paragraph(letter, width);
    }
    letter->lines += missing ? 0u : (uint32_t)count;
}

static void view_transfer(struct page *page, struct letter *letter)
{
    const struct referral_facts *facts = &letter->main.message.referral;
    const struct body *body = &letter->main.body;
    const enum clock_kind clock =
        letter->outbound ? CLOCK_FEEDBACK_OUTBOUND : CLOCK_FEEDBACK_INBOUND;

    named_bool(&page->view, "transfer", true);
    named_bool(&page->view, "urgent", facts->urgent);
    named_bool(&page->view, "most_urgent", facts->life_danger);
    named_bool(&page->view, "advance", facts->advance);
    named_u64(&page->view, "days", page->agent->setup.policy->ladder.days[clock]);
    view_ground(page, facts->ground);
    view_words(page, "needs", VOCABULARY_NEED, facts->needs);
    view_words(page, "measures", VOCABULARY_MEASURE, facts->measures);
    some_text(&page->view, "told", page_word(page, VOCABULARY_TOLD, facts->told));
    view_materials(page, letter, false);
    view_materials(page, letter, true);
    count_paragraph(letter, 40 + 14 * (count_bits(facts->needs) + count_bits(facts->measures)));
    letter->lines++; /* until when */
    if (letter->main.opened) {
        some_paragraph(page, letter, "circumstances", body->circumstances);
        some_paragraph(page, letter, "reasons", body->reasons);
        some_paragraph(page, letter, "advance_reason", body->advance_reason);
        letter->lines += facts->advance ? 2u : 0u;
    }
}

/* --- what a feedback letter says --- */

static void view_amount(struct page *page, uint64_t amount_fen)
{
    char text[48];

    if (amount_fen == 0) {
        return;
    }
    if (amount_fen % 100 == 0) {
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)(amount_fen / 100));
    } else {
        (void)snprintf(text, sizeof(text), "%llu.%02u", (unsigned long long)(amount_fen / 100),
                       (unsigned)(amount_fen % 100));
    }
    named_text(&page->view, "amount", text);
}

static void view_from(struct page *page, const char *name, uint32_t date)
{
    int32_t day;

    if (date != 0 && civil_from_yyyymmdd(date, &day) == OK) {
        view_date(page, name, civil_start_ms(day));
    }
}

static void view_measures(struct page *page, struct letter *letter)
{
    const struct feedback_facts *facts = &letter->main.message.feedback;

    json_name(&page->view, "given");
    json_array_begin(&page->view);
    for (size_t i = 0; i < facts->measure_count; i++) {
        const struct measure *measure = &facts->measures[i];

        json_object_begin(&page->view);
        named_text(&page->view, "measure", page_word(page, VOCABULARY_MEASURE, measure->measure));
        named_text(&page->view, "shape", page_word(page, VOCABULARY_SHAPE, measure->shape));
        named_text(&page->view, "unit", page_word(page, VOCABULARY_UNIT, measure->unit));
        view_amount(page, measure->amount_fen);
        view_from(page, "from", measure->start_date);
        view_from(page, "until", measure->end_date);
        named_u64(&page->view, "nth", i + 1);
        json_object_end(&page->view);
        letter->lines += 2;
    }
    json_array_end(&page->view);
}

static void view_wanted(struct page *page, struct letter *letter)
{
    const struct feedback_facts *facts = &letter->main.message.feedback;

    json_name(&page->view, "wanted");
    json_array_begin(&page->view);
    for (size_t i = 0; i < facts->document_count; i++) {
        const struct document *document = &facts->documents[i];

        json_object_begin(&page->view);
        named_text(&page->view, "document", page_word(page, VOCABULARY_DOCUMENT, document->kind));
        named_text(&page->view, "supplier",
                   document->supplier[0] != '\0' ? page_agency_of(page, document->supplier)
                                                 : tr(page, N_("申请人")));
        json_object_end(&page->view);
        letter->lines++;
    }
    json_array_end(&page->view);
    named_bool(&page->view, "any_wanted", facts->document_count > 0);
}

static void view_feedback(struct page *page, struct letter *letter)
{
    const struct feedback_facts *facts = &letter->main.message.feedback;
    const struct body *body = &letter->main.body;

    named_bool(&page->view, "feedback", true);
    named_text(&page->view, "outcome", page_word(page, VOCABULARY_OUTCOME, facts->outcome));
    view_measures(page, letter);
    view_wanted(page, letter);
    some_text(&page->view, "tell_by", page_word(page, VOCABULARY_TELL_BY, facts->tell_by));
    some_text(&page->view, "suggested", page_agency_of(page, facts->suggested_agency));
    letter->lines += 2 + (facts->tell_by != 0 ? 1u : 0u);
    if (letter->main.opened) {
        const uint32_t before = letter->width;

        some_paragraph(page, letter, "opinion", body->opinion);
        some_paragraph(page, letter, "reasons", body->reasons);
        some_paragraph(page, letter, "more", body->text);
        named_bool(&page->view, "any_reason", letter->width > before);
    }
}

/* --- the page --- */

static const char *state_text(const struct page *page, const struct row *row)
{
    return row->state == ROW_WAITING ? tr(page, N_("尚未发出，登记后方可作为正式文书。"))
           : row->state == ROW_REFUSED ? tr(page, N_("这份文书没有被受理，不能作为正式文书。"))
           : row->state == ROW_REJECTED ? tr(page, N_("这份文书已退回补正。"))
                                        : "";
}

static void view_letter(struct page *page, struct letter *letter, const struct agency *sender)
{
    const struct row *row = &letter->main.row;
    const char *handler = letter->main.opened ? letter->main.body.officer : NULL;

    named_bool(&page->view, "outbound", letter->outbound);
    view_org(page, sender);
    view_numbers(page, letter, sender);
    view_amendments(page, letter->read, row);
    named_text(&page->view, "to", page_agency_of(page, row->header.recipient));
    view_date(page, "date", row->recorded_ms != 0 ? row->recorded_ms : row->at_ms);
    view_applicants(page, letter);
    if (letter->feedback) {
        view_feedback(page, letter);
    } else {
        view_transfer(page, letter);
    }
    if (handler != NULL && handler[0] != '\0') {
        named_text(&page->view, "handler", handler);
        letter->lines++;
    }
    view_copies(page, letter);
    view_code(page, &letter->main);
    some_text(&page->view, "state", state_text(page, row));
    letter->lines += LINES_FIXED;
    named_text(&page->view, "fit", fit_of(letter));
    named_text(&page->view, "body", strcmp(fit_of(letter), "long") == 0 ? "p-long" : "p-bare");
}

/* The button's link says that it is printed: a page cannot know what its reader does with it. */
static bool note_print(struct page *page, const struct letter *letter)
{
    const char *print = http_query(page->request, "print");
    struct act act = {.kind = ACT_PRINTED,
                      .about = letter->main.row.header.referral_id,
                      .message_id = letter->main.row.header.message_id};

    if (print == NULL) {
        return true;
    }
    if (page_act(page, &act) != OK) {
        return false;
    }
    named_bool(&page->view, "printing", true);
    return true;
}

static void show_letter(struct page *page, struct letter *letter)
{
    const enum err error = open_letter(page, letter);
    const struct agency *sender =
        error == OK ? registry_find(page->agent->setup.registry, letter->main.row.header.sender)
                    : NULL;

    if (error == ERR_MEMORY) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    if (sender == NULL) {
        page_refuse(page, 404, N_("没有这个页面。"));
        return;
    }
    page_begin(page, "inbox", letter->feedback ? N_("反馈函") : N_("移送函"));
    view_letter(page, letter, sender);
    if (body_was_erased(&letter->main.payload)) {
        view_erased(page, letter->read, &letter->main.row.header.case_id);
    }
}

void page_letter(struct page *page)
{
    struct region region;
    struct letter letter = {.region = &region};

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    if (store_read_begin(page->agent->setup.store, &letter.read) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    region_init(&region, 2 * AGENT_REGION_BYTES);
    show_letter(page, &letter);
    store_read_end(letter.read);
    if (!page->answered && !note_print(page, &letter)) {
        page_refuse(page, 503, N_("暂时无法保存，请稍后再试。"));
    }
    region_wipe(&region);
    if (!page->answered) {
        page_show(page, 200, "letter");
    }
}
