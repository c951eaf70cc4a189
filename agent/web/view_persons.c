/* The persons of a message as a page shows them: what identifies them is masked until an officer
 * says why it is needed; then for a minute, in that session only, and it is written down. */
#include <stdio.h>
#include <string.h>

#include "agent/web/view_parts.h"
#include "model/identity.h"

#define REVEALED_MS 60000u

static bool inside_character(const char *at)
{
    return ((unsigned char)*at & 0xc0u) == 0x80u;
}

/* At most the first `head` and the last `tail` bytes stay, and whole characters of them: a number
 * that people typed may hold anything. */
static void mask_ends(const char *text, size_t head, size_t tail, char *out, size_t size)
{
    static const char stars[] = "************";
    const size_t len = strlen(text);
    size_t hidden;

    if (len <= head + tail) {
        text_copy(out, size, "****");
        return;
    }
    while (head > 0 && inside_character(text + head)) {
        head--;
    }
    while (tail > 0 && inside_character(text + len - tail)) {
        tail--;
    }
    hidden = len - head - tail < sizeof(stars) - 1 ? len - head - tail : sizeof(stars) - 1;
    (void)snprintf(out, size, "%.*s%.*s%s", (int)head, text, (int)hidden, stars, text + len - tail);
}

/* Six characters of an address stay. */
void page_mask_address(const char *text, char *out, size_t size)
{
    size_t len = 0, characters = 0;

    while (text[len] != '\0' && characters < 6) {
        len++;
        characters += ((unsigned char)text[len] & 0xc0u) != 0x80u ? 1 : 0;
    }
    (void)snprintf(out, size, "%.*s****", (int)len, text);
}

static void view_masked(struct page *page, const char *name, const char *text, bool open,
                        void (*mask)(const char *, char *, size_t))
{
    char masked[256];

    if (text == NULL || text[0] == '\0') {
        return;
    }
    if (open) {
        named_text(&page->view, name, text);
        return;
    }
    mask(text, masked, sizeof(masked));
    named_text(&page->view, name, masked);
}

void page_mask_identity(const char *text, char *out, size_t size)
{
    mask_ends(text, 6, 4, out, size);
}

void page_mask_phone(const char *text, char *out, size_t size)
{
    mask_ends(text, 3, 4, out, size);
}

static void view_one(struct page *page, const struct body_person *person, bool open)
{
    const char *number = person->identity_number != NULL ? person->identity_number : "";
    const bool valid = identity_valid(number);
    struct work_person shown = {.name = person->name != NULL ? person->name : ""};

    if (valid) {
        shown.birth = identity_birth_date(number);
        shown.sex = (number[16] - '0') % 2 == 1 ? 'm' : 'f';
    }
    json_object_begin(&page->view);
    view_person(page, &shown);
    view_masked(page, "identity", number, open, page_mask_identity);
    view_masked(page, "phone", person->phone, open, page_mask_phone);
    view_masked(page, "address", person->address, open, page_mask_address);
    named_bool(&page->view, "minor", person->minor);
    named_text(&page->view, "relation", page_word(page, VOCABULARY_RELATION, person->relation));
    named_text(&page->view, "may_be_told",
               page_word(page, VOCABULARY_MAY_BE_TOLD, person->may_be_told));
    some_text(&page->view, "guardian", person->guardian != NULL ? person->guardian : "");
    some_text(&page->view, "receives",
              person->receives_already != NULL ? person->receives_already : "");
    named_text(&page->view, "agency", /* "" hides the frame's own */
               person->agency != NULL ? page_agency_of(page, person->agency) : "");
    named_text(&page->view, "role", page_word(page, VOCABULARY_ROSTER_ROLE, person->role));
    view_words(page, "groups", VOCABULARY_PRIORITY_GROUP, person->priority_groups);
    view_words(page, "needs", VOCABULARY_NEED, person->needs);
    json_object_end(&page->view);
}

bool page_revealed(const struct page *page, const struct uuid *message_id)
{
    const uint64_t now_ms = agent_machine_ms(page->agent);

    for (size_t i = 0; i < SESSION_REVEALS_MAX; i++) {
        if (uuid_equal(&page->session->reveals[i].message_id, message_id) &&
            page->session->reveals[i].until_ms > now_ms) {
            return true;
        }
    }
    return false;
}

void view_persons(struct page *page, const struct body *body, const struct uuid *message_id)
{
    const bool open = page_revealed(page, message_id);
    char id[UUID_TEXT_BYTES], action[64];

    uuid_format(message_id, id);
    (void)snprintf(action, sizeof(action), "/reveal/%s", id);
    named_text(&page->view, "reveal", action);
    named_bool(&page->view, "revealed", open);
    json_name(&page->view, "persons");
    json_array_begin(&page->view);
    for (size_t i = 0; i < body->person_count; i++) {
        view_one(page, &body->persons[i], open);
    }
    json_array_end(&page->view);
}

/* --- the act --- */

static void remember(struct session *session, const struct uuid *message_id, uint64_t now_ms)
{
    size_t oldest = 0;

    for (size_t i = 0; i < SESSION_REVEALS_MAX; i++) {
        if (session->reveals[i].until_ms < session->reveals[oldest].until_ms) {
            oldest = i;
        }
    }
    session->reveals[oldest].message_id = *message_id;
    session->reveals[oldest].until_ms = now_ms + REVEALED_MS;
}

static enum err find_row(struct page *page, const struct uuid *id, struct row *row)
{
    struct store_txn *read;
    enum err error = store_read_begin(page->agent->setup.store, &read);

    if (error == OK) {
        error = row_find(read, id, row);
        store_read_end(read);
    }
    return error;
}

void page_reveal(struct page *page)
{
    const char *why = http_form(page->request, "why");
    const char *more = http_form(page->request, "more");
    const char *back = http_form(page->request, "back");
    struct act act = {.kind = ACT_REVEALED};
    struct row row;
    char location[96];

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    if (uuid_parse(page->tail, &act.message_id) != OK ||
        find_row(page, &act.message_id, &row) != OK) {
        page_refuse(page, 404, N_("没有这个页面。"));
        return;
    }
    if (why == NULL || why[0] == '\0' || strlen(why) + (more != NULL ? strlen(more) : 0) > 180) {
        page_refuse(page, 400, N_("请选择查看事由；补充说明不超过 50 字。"));
        return;
    }
    act.about = row.header.referral_id;
    (void)snprintf(act.reason, sizeof(act.reason), "%s%s%s", why,
                   more != NULL && more[0] != '\0' ? "：" : "", more != NULL ? more : "");
    if (page_act(page, &act) != OK) {
        page_refuse(page, 503, N_("暂时无法保存，请稍后再试。"));
        return;
    }
    remember(page->session, &act.message_id, agent_machine_ms(page->agent));
    if (back != NULL && strcmp(back, "message") == 0) {
        (void)snprintf(location, sizeof(location), "/message/%s#persons", page->tail);
    } else {
        (void)snprintf(location, sizeof(location),
                       back != NULL && strcmp(back, "matter") == 0 ? "/matter/%s#persons"
                                                                   : "/case/%s#persons",
                       row.header.referral_number);
    }
    page_go(page, location);
}
