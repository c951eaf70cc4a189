/* What the pages share: one request of an officer while its answer is made. Private to agent/web.
 *
 * A page is three things: a row in the table of routes (web.c), a function that writes the view as
 * JSON members, and a template that shows it. The view's members for the frame (officer, language,
 * date, token ...) are written by page_begin; the page adds its own and ends with page_show. */
#ifndef REFERRAL_AGENT_WEB_PARTS_H
#define REFERRAL_AGENT_WEB_PARTS_H

#include "agent/show_parts.h"
#include "agent/web/act.h"
#include "agent/web/draft.h"
#include "agent/web/http.h"
#include "agent/web/lockouts.h"
#include "agent/web/session.h"
#include "agent/web/template.h"
#include "agent/web/web.h"
#include "agent/web/worklist.h"
#include "io/loop.h"
#include "model/vocabulary.h"

#define WEB_VIEW_BYTES (4u * 1024u * 1024u) /* of one page's view, and of one page */

#define ATTACH_PIECE_BYTES (512u * 1024u) /* of a file, that comes by script */

struct attachment;

struct web {
    struct web_setup setup;
    struct http_server *http;
    struct template_set *templates;
    struct sessions *sessions;
    struct worklist *worklist;
    struct counted *counted;   /* the statistics that were last asked for; page_statistics.c */
    struct loop_timer fill;    /* the worklist is read in */
    struct loop_timer tidy;    /* old drafts go */
    struct exporting *exports; /* files under way; page_export.c */
    unsigned export_count;
    struct lockouts lockouts; /* what the login page says of wrong passwords */
    struct hashing *hashings; /* passwords on the thread pool now; page_login.c */
    unsigned hashing;         /* how many */
};

struct page {
    struct web *web;
    struct agent *agent; /* web->setup.agent */
    struct http_exchange *exchange;
    const struct http_request *request;
    struct session *session; /* NULL: nobody is logged in */
    const char *tail;        /* of the path, behind the route's prefix; "" */
    enum language language;
    uint64_t now_ms;         /* wall time */
    struct buf text;         /* the view's JSON; wiped */
    struct json_writer view; /* inside its one open object after page_begin */
    bool answered;
};

/* Opens the view and writes what the frame shows. `nav` is "inbox", "refer", "ledger", "meeting",
 * "statistics", "admin" or ""; `title` is translated. */
void page_begin(struct page *page, const char *nav, const char *title);
/* Ends the view, renders, answers. */
void page_show(struct page *page, unsigned status, const char *template_name);
/* 303 to a path of ours. */
void page_go(struct page *page, const char *location);
/* A plain page that says so, with a way back: 403, 404, 400, 503 ... `text` is translated. */
void page_refuse(struct page *page, unsigned status, const char *text);
/* A file: an export, an attachment; always as a download. `name` may be Chinese. */
void page_download(struct page *page, const char *type, const char *name, struct span bytes);
/* JSON for the script: what was written into page->view since page_data_begin. */
void page_data_begin(struct page *page);
void page_data_end(struct page *page, unsigned status);
/* What the next page of this session says on top. `text` is translated. */
void page_notice(struct page *page, const char *text);
/* What the next pages say on top of what this session sent, until the broker has answered. */
void page_sent(struct page *page, const struct uuid *message_id);
/* Of what waits here: it is on its way, or the line is down. Translated. */
const char *page_sending(const struct page *page);
bool page_line_down(const struct page *page);

/* A text in the page's language. */
static inline const char *tr(const struct page *page, const char *chinese)
{
    return catalogue_text(page->language, chinese);
}
/* A word of the vocabulary in the page's language; "" for none. */
const char *page_word(const struct page *page, enum vocabulary which, uint32_t value);
/* An agency's name in the page's language; "" for a stranger. `short_form`: without the city. */
const char *page_agency(const struct page *page, uint16_t number);
const char *page_agency_of(const struct page *page, const char *id);
/* Members in people's words: "2026年10月15日 09:20", "10月15日（周四）". */
void view_instant(struct page *page, const char *name, uint64_t instant_ms);
void view_day(struct page *page, const char *name, int32_t day);
/* "erased" and "erased_order", where the case was erased by order. */
void view_erased(struct page *page, struct store_txn *read, const struct uuid *case_id);
/* Where the language of the text matters to a reader that speaks: 10月10日（周六）. */
#define PAGE_DAY_BYTES 64
void page_day_text(const struct page *page, int32_t day, bool with_year, char out[PAGE_DAY_BYTES]);
void page_instant_text(const struct page *page, uint64_t instant_ms, char out[PAGE_DAY_BYTES]);
/* The lamp of a clock, an object `lamp` in the open object: class ("ok", "near", "late", "done"),
 * text ("剩 3 个工作日", "超期 3 个工作日"), due ("10月20日（周二）止"), provisional, title. */
struct lamp {
    uint64_t due_before_ms; /* 0: none runs */
    int32_t due_day;
    bool provisional;
    uint64_t stopped_ms; /* 0: it runs */
    bool late;           /* of a stopped one */
    uint32_t lateness_days;
};
void view_lamp(struct page *page, const struct lamp *lamp);

/* The words of a set, as one text with its NUL. */
void page_words(const struct page *page, enum vocabulary which, uint64_t set, struct buf *text);
/* What the filter of a list asks for; `list`: its path, NULL or a stranger: the ledger. */
void page_query(const struct page *page, const char *list, struct work_query *query);
/* The words of a set as a member of the view: "临时救助；最低生活保障". */
void view_words(struct page *page, const char *name, enum vocabulary which, uint64_t set);
/* page_list.c: `name` and `age` of a person; `tags` of an item; words for states and kinds. */
void view_person(struct page *page, const struct work_person *person);
void view_tags(struct page *page, const struct work_item *item);
const char *page_state(const struct page *page, const struct referral *referral);
const char *page_matter_kind(const struct page *page, enum matter_kind kind);

/* view_why.c: `why` of a window with a date: calendar, count, source. */
void view_why(struct page *page, const char *of_whom, const struct window *window);
/* view_timeline.c: `timeline` of these referrals and matters, newest first. */
void view_timeline(struct page *page, struct store_txn *read, const struct uuid *about,
                   size_t count);
const char *page_kind(const struct page *page, enum message_kind kind); /* "签收" */
/* view_persons.c: `persons` of a message's body, masked unless this officer revealed them in the
 * last minute; `reveal`: where the form of that goes. */
void view_persons(struct page *page, const struct body *body, const struct uuid *message_id);
bool page_revealed(const struct page *page, const struct uuid *message_id);

/* view_attachments.c: members of one file in the open object: f_name, f_about ("PDF 12.3 KB"),
 * f_state, f_href (of what can be downloaded). */
void view_attachment(struct page *page, const struct attachment *attachment,
                     const struct uuid *message_id);
/* `attachments` of a message and has_attachments; none when they cannot be read. */
void view_attachments(struct page *page, const struct uuid *message_id);
/* All files of a referral or matter, oldest first, but those of one message (NULL: of all):
 * files[{f_kind, f_from, and the members of one}], has_files. */
void view_files(struct page *page, struct store_txn *read, const struct uuid *about,
                const struct uuid *except);
#define PAGE_FILE_BYTES 64u
void page_file_text(const struct page *page, const struct attachment *attachment,
                    char out[PAGE_FILE_BYTES]);
/* Why a file was not taken, by the code of the fault; to be translated. */
const char *attachment_reason(const char *code);

/* May this officer do it? The page was answered with 403 when not. */
bool page_needs(struct page *page, uint32_t roles);
/* An officer's own name for acts and messages. */
const struct officer *page_officer(const struct page *page);

/* Asks the core as its socket does (docs/agent-socket.md): `line` is one JSON object. On OK the
 * answer, owned by the caller (json_free); `ok` false in it is a refusal. */
enum err page_ask(struct page *page, struct span line, struct json **ret_answer) MUST_CHECK;
/* Sends a message (an object of docs/messages.md) and writes the act of this officer in the same
 * order. OK; ERR_INVALID, ERR_REFUSED and the like with a fault: `place` is the field's path,
 * `message` the reason in the page's language. ret_id: of the (first) message; may be NULL. */
enum err page_send(struct page *page, struct span message, struct uuid *ret_id,
                   struct fault *fault) MUST_CHECK;
/* The reason for people of a refusal by its code, place and kind; Chinese or English. */
void page_reason(const struct page *page, enum message_kind kind, struct fault *fault);
/* Writes acts in a transaction of its own. */
enum err page_act(struct page *page, const struct act *act) MUST_CHECK;
/* What came in answer about this referral or matter, or that one message of it (`only`; NULL: all),
 * was shown to this officer: it leaves the to-do list of all. Not for who only reads, a leader's
 * look settles nothing. No read transaction is open. */
void page_saw(struct page *page, const struct case_key *key, const struct uuid *only);

#define WEB_COOKIE_BYTES 48u
/* The name of the session's cookie. */
void web_cookie_name(const struct web *web, char out[WEB_COOKIE_BYTES]);
/* Keeps what the officer prefers; NULL: as it is. */
enum err page_prefer(struct page *page, const char *language, const char *size) MUST_CHECK;
/* The web closes: files under way have nobody to go to. */
void exports_abandon(struct web *web);
/* Statistics that were kept. */
/* The web closes: what is being hashed has nobody to tell. */
void hashings_abandon(struct web *web);

/* --- the pages, by file; each answers --- */

void page_login(struct page *page);          /* page_login.c: GET and POST /login */
void page_logout(struct page *page);         /* POST /logout */
void page_settings(struct page *page);       /* POST /settings: language, size; GET: password */
void page_list(struct page *page);           /* page_list.c: / and /todo, /sent, /soon, /late ... */
void page_counts(struct page *page);         /* GET /counts: live counters for the script */
void page_export(struct page *page);         /* page_export.c: POST /ledger.csv, /ledger.xlsx */
void page_case(struct page *page);           /* page_case.c: GET /case/NUMBER */
void page_matter(struct page *page);         /* page_matter.c: GET /matter/NUMBER */
void page_message(struct page *page);        /* page_message.c: GET /message/ID */
void page_handled(struct page *page);        /* POST /handled/ID: one that was refused */
void page_reveal(struct page *page);         /* view_persons.c: POST /reveal/MESSAGE-ID */
void page_form(struct page *page);           /* page_form.c: GET and POST /send/KIND[/NUMBER] */
void page_draft(struct page *page);          /* POST /draft, DELETE by POST /draft/discard */
void page_drafts(struct page *page);         /* GET /drafts */
void page_document(struct page *page);       /* page_document.c: GET /document/NUMBER (督办单) */
void page_attach(struct page *page);         /* page_attach.c: POST /attach: a file by pieces */
void page_attachment(struct page *page);     /* GET /attachment/DIGEST/MESSAGE-ID */
void page_letter(struct page *page);         /* page_letter.c: GET /letter/MESSAGE-ID */
void page_verify(struct page *page);         /* GET and POST /verify: a letter's code */
void page_meetings(struct page *page);       /* page_meetings.c: GET /meetings; roster */
void page_statistics(struct page *page);     /* page_statistics.c: GET /statistics */
void page_statistics_csv(struct page *page); /* GET /statistics.csv */
void page_officers(struct page *page);       /* page_officers.c: GET and POST /officers */

/* A form that came after its session idled out: kept as a draft; true when it is. */
bool page_keep(struct page *page);

#endif
