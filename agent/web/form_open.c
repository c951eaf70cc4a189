/* A form by its address: "/refer", "/refer/JZ-2026-0031" for a referral more of that case,
 * "/send/papers/JZ-2026-0031-01", "/send/escalation-reply/JZ-2026-0031-01?document=DB-2026-0012".
 * The address is its draft's, too: what was begun for one case or purpose never opens for another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/form_page.h"

#define REFER_PATH        "/refer"
#define SEND_PATH         "/send/"
#define NUMBER_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

struct form_page *form_page_new(struct page *page)
{
    struct form_page *form = calloc(1, sizeof(*form));

    if (form == NULL) {
        return NULL;
    }
    form->page = page;
    form->copy = calloc(1, sizeof(*form->copy));
    form->about = calloc(1, sizeof(*form->about));
    form_values_init(&form->values);
    form_values_init(&form->whole);
    region_init(&form->region, AGENT_REGION_BYTES);
    form->rules = (struct form_rules){.policy = page->agent->setup.policy,
                                      .registry = page->agent->setup.registry,
                                      .self = page->agent->setup.self,
                                      .today = civil_day_at(page->now_ms)};
    form->address.officer = page_officer(page)->shown;
    return form;
}

void form_page_free(struct form_page *form)
{
    if (form != NULL) {
        free(form->copy);
        free(form->about);
        form_values_free(&form->values);
        form_values_free(&form->whole);
        region_wipe(&form->region);
        crypto_wipe(&form->faults, sizeof(form->faults));
        free(form);
    }
}

static const struct form_purpose purposes[] = {
    {"urge",
     MESSAGE_INFORMATION_REQUEST,
     N_("催办"),
     {"facts.asked", "progress"},
     N_("请告知办理进展和预计办结日期。"),
     false},
    {"supplement",
     MESSAGE_CORRECTION,
     N_("补充材料"),
     {"facts.corrects", "other"},
     N_("补充材料，见附件："),
     true},
};

static const struct form_purpose *purpose_of(const char *word)
{
    for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
        if (strcmp(purposes[i].word, word) == 0) {
            return &purposes[i];
        }
    }
    return NULL;
}

struct tail { /* "papers/JZ-2026-0031-01": the kind, and the number behind it */
    const struct form_layout *layout; /* NULL: feedback */
    const struct form_purpose *purpose;
    const char *number;
};

static bool kind_of_tail(const char *tail, struct tail *ret)
{
    char word[64];
    size_t len = strcspn(tail, "/");
    enum message_kind kind;

    ret->number = tail[len] == '/' ? tail + len + 1 : "";
    ret->layout = NULL;
    ret->purpose = NULL;
    if (len == 0 || len >= sizeof(word) || strlen(ret->number) >= LIMIT_NUMBER_BYTES) {
        return false;
    }
    memcpy(word, tail, len);
    word[len] = '\0';
    if (strcmp(word, "feedback") == 0) {
        return ret->number[0] != '\0';
    }
    ret->purpose = purpose_of(word);
    kind = ret->purpose != NULL ? ret->purpose->kind : message_kind_parse(word);
    ret->layout = message_kind_from_agency(kind) ? form_layout_of(kind) : NULL;
    return ret->layout != NULL && message_form_address(kind) != ADDRESS_NEW_REFERRAL;
}

/* "/refer" or "/refer/JZ-2026-0031": the number, ""; NULL: another address. */
static const char *number_of_refer(const char *address)
{
    const size_t len = strlen(REFER_PATH);

    if (strncmp(address, REFER_PATH, len) != 0 || strlen(address) >= len + LIMIT_NUMBER_BYTES) {
        return NULL;
    }
    return address[len] == '\0'                              ? ""
           : address[len] == '/' && address[len + 1] != '\0' ? address + len + 1
                                                             : NULL;
}

/* Without what tells forms of one kind and number apart. */
static void path_of(const char *address, char out[DRAFT_ADDRESS_MAX])
{
    text_copy(out, DRAFT_ADDRESS_MAX, address);
    out[strcspn(out, "?")] = '\0';
}

bool form_is_address(const char *address)
{
    char path[DRAFT_ADDRESS_MAX];

    path_of(address, path);
    return number_of_refer(path) != NULL || strncmp(path, SEND_PATH, strlen(SEND_PATH)) == 0;
}

void form_address_of(const struct http_request *request, char out[DRAFT_ADDRESS_MAX])
{
    static const char *const apart[] = {"document", "duty"}; /* each a form of its own */

    text_copy(out, DRAFT_ADDRESS_MAX, request->path);
    for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
        const char *value = http_query(request, apart[i]);
        const size_t len = strlen(out);

        if (value != NULL && value[0] != '\0' && strlen(value) < LIMIT_NUMBER_BYTES &&
            value[strspn(value, NUMBER_CHARACTERS)] == '\0') {
            (void)snprintf(out + len, DRAFT_ADDRESS_MAX - len, "?%s=%s", apart[i], value);
            return;
        }
    }
}

const char *form_title(const struct page *page, const char *address,
                       char ret_number[LIMIT_NUMBER_BYTES])
{
    char path[DRAFT_ADDRESS_MAX];
    const char *number;
    struct tail tail;

    ret_number[0] = '\0';
    path_of(address, path);
    number = number_of_refer(path);
    if (number != NULL) {
        text_copy(ret_number, LIMIT_NUMBER_BYTES, number);
        return number[0] != '\0' ? tr(page, N_("向更多单位移送")) : tr(page, N_("移送线索"));
    }
    if (strncmp(path, SEND_PATH, strlen(SEND_PATH)) != 0 ||
        !kind_of_tail(path + strlen(SEND_PATH), &tail)) {
        return "";
    }
    text_copy(ret_number, LIMIT_NUMBER_BYTES, tail.number);
    return tail.purpose != NULL  ? tr(page, tail.purpose->title)
           : tail.layout != NULL ? tr(page, tail.layout->title)
                                 : tr(page, N_("反馈审查结果"));
}

const char *form_title_of(const struct form_page *form)
{
    return form->purpose != NULL ? form->purpose->title : form->layout->title;
}

bool form_open(struct form_page *form, const char *address)
{
    const bool is_procuratorate = form->rules.self->class == CLASS_PROCURATORATE;
    char path[DRAFT_ADDRESS_MAX];
    const char *number = "";
    struct tail tail;

    if (form->copy == NULL || form->about == NULL) {
        page_refuse(form->page, 503, N_("暂时无法显示，请稍后再试。"));
        return false;
    }
    path_of(address, path);
    if (number_of_refer(path) != NULL) {
        number = number_of_refer(path);
        form->layout =
            form_layout_of(is_procuratorate ? MESSAGE_OUTBOUND_REFERRAL : MESSAGE_INBOUND_REFERRAL);
    } else if (strncmp(path, SEND_PATH, strlen(SEND_PATH)) != 0 ||
               strlen(address) >= sizeof(form->path) ||
               !kind_of_tail(path + strlen(SEND_PATH), &tail)) {
        page_refuse(form->page, 404, N_("没有这个页面。"));
        return false;
    } else {
        form->layout = tail.layout;
        form->purpose = tail.purpose;
        number = tail.number;
    }
    text_copy(form->path, sizeof(form->path), address);
    return form_about_open(form, number);
}
