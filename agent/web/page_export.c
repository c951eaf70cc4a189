/* The ledger as a file for a spreadsheet: what the list shows with its filter, all pages of it.
 *
 * A hundred thousand rows take seconds, so the file grows in slices between other work of the loop
 * while the request waits. Each export is an act that is written down before the first byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/sheet.h"
#include "agent/web/web_parts.h"

#define EXPORT_ROWS_MAX 1000000u
#define EXPORT_BYTES    (128u * 1024u * 1024u)
#define EXPORTS_MAX     4u
#define SLICE_ROWS      64u

struct exporting {
    struct web *web;
    struct exporting *next;
    struct http_exchange *exchange;
    struct loop_timer timer;
    struct work_row *rows; /* items live as long as the list */
    size_t count, at;
    struct sheet sheet;
    struct buf out;
    enum language language;
};

static void job_free(struct exporting *job)
{
    loop_timer_clear(&job->timer);
    free(job->rows);
    if (job->out.cap > 0) {
        crypto_wipe(job->out.data, job->out.cap);
    }
    buf_free(&job->out);
    if (job->sheet.cells.cap > 0) {
        crypto_wipe(job->sheet.cells.data, job->sheet.cells.cap);
    }
    buf_free(&job->sheet.cells);
    free(job);
}

void exports_abandon(struct web *web)
{
    while (web->exports != NULL) {
        struct exporting *job = web->exports;

        web->exports = job->next;
        job_free(job);
    }
    web->export_count = 0;
}

static void job_end(struct exporting *job)
{
    struct exporting **at = &job->web->exports;

    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    job->web->export_count--;
    job_free(job);
}

/* --- one row --- */

static void cell_instant(struct page *page, struct sheet *sheet, uint64_t instant_ms)
{
    char text[PAGE_DAY_BYTES] = "";

    if (instant_ms != 0) {
        const int32_t day = civil_day_at(instant_ms);
        const unsigned minutes = (unsigned)((instant_ms - civil_start_ms(day)) / 60000);

        civil_format(day, text);
        (void)snprintf(text + CIVIL_TEXT_BYTES - 1, sizeof(text) - CIVIL_TEXT_BYTES, " %02u:%02u",
                       minutes / 60, minutes % 60);
    }
    (void)page;
    sheet_cell(sheet, text);
}

static void cell_day(struct sheet *sheet, int32_t day)
{
    char text[CIVIL_TEXT_BYTES] = "";

    if (day != 0) {
        civil_format(day, text);
    }
    sheet_cell(sheet, text);
}

static void cell_words(struct page *page, struct sheet *sheet, enum vocabulary which, uint64_t set)
{
    struct buf text;

    buf_init(&text, 4096);
    page_words(page, which, set, &text);
    sheet_cell(sheet, (const char *)text.data);
    buf_free(&text);
}

static void add_referral(struct page *page, struct sheet *sheet, const struct referral *referral)
{
    const struct window *window = &referral->clocks[REFERRAL_CLOCK_FEEDBACK];
    char days[16] = "";

    cell_words(page, sheet, VOCABULARY_NEED, referral->needs);
    sheet_cell(sheet, page_state(page, referral));
    sheet_cell(sheet, referral->register_number);
    cell_instant(page, sheet, referral->submitted_ms);
    cell_instant(page, sheet, referral->delivered_ms);
    cell_day(sheet, window->number != 0 ? window->due_day : 0);
    cell_instant(page, sheet, referral->answered_ms);
    if (referral->late) {
        (void)snprintf(days, sizeof(days), "%u", referral->lateness_days);
    }
    sheet_cell(sheet, referral->answered_ms == 0 ? ""
                      : referral->late           ? tr(page, N_("超期"))
                                                 : tr(page, N_("按期")));
    sheet_cell(sheet, days);
}

static void add_matter(struct page *page, struct sheet *sheet, const struct matter *matter)
{
    sheet_cell(sheet, page_matter_kind(page, matter->kind));
    sheet_cell(sheet,
               matter->state == MATTER_OPEN ? tr(page, N_("办理中")) : tr(page, N_("已办结")));
    sheet_cell(sheet, "");
    cell_instant(page, sheet, matter->opened_ms);
    sheet_cell(sheet, "");
    sheet_cell(sheet, "");
    cell_instant(page, sheet, matter->closed_ms);
    sheet_cell(sheet, "");
    sheet_cell(sheet, "");
}

static void add_row(struct page *page, struct store_txn *read, struct exporting *job)
{
    const struct work_item *item = job->rows[job->at].item;
    struct copy *copy = page->agent->copy;
    struct sheet *sheet = &job->sheet;

    (void)worklist_find(job->web->worklist, &item->key.referral_id); /* its persons */
    sheet_cell(sheet, item->number);
    sheet_cell(sheet, item->case_number);
    sheet_cell(sheet, item->person.name);
    sheet_cell(sheet, item->group == WORK_MINORS ? tr(page, N_("未成年人")) : "");
    sheet_cell(sheet, item->mine ? tr(page, N_("发出")) : tr(page, N_("收到")));
    sheet_cell(sheet, page_agency(page, item->other));
    if (copy_load(read, &item->key, copy) == OK && copy->known) {
        if (copy->of_matter) {
            add_matter(page, sheet, &copy->matter);
        } else {
            add_referral(page, sheet, &copy->referral);
        }
    }
    sheet_row_end(sheet);
}

/* --- the file --- */

static const char *const heads[] = {N_("编号"),     N_("案件编号"), N_("申请人"),    N_("未成年人"),
                                    N_("方向"),     N_("单位"),     N_("事项"),      N_("进度"),
                                    N_("登记号"),   N_("移送时间"), N_("送达时间"),  N_("期限"),
                                    N_("反馈时间"), N_("是否按期"), N_("超期工作日")};

static struct page page_of(struct exporting *job)
{
    struct page page = {.web = job->web,
                        .agent = job->web->setup.agent,
                        .exchange = job->exchange,
                        .language = job->language,
                        .tail = ""};

    page.now_ms = agent_wall_ms(page.agent);
    return page;
}

static void finish(struct page *page, struct exporting *job)
{
    enum err error = sheet_end(&job->sheet);
    char date[CIVIL_TEXT_BYTES], name[64];

    if (error != OK) {
        http_answer(job->exchange, &(struct http_response){.status = 503, .retry_after_s = 30});
        return;
    }
    civil_format(civil_day_at(page->now_ms), date);
    (void)snprintf(name, sizeof(name), "台账-%s.%s", date,
                   job->sheet.kind == SHEET_CSV ? "csv" : "xlsx");
    page_download(page, sheet_type(job->sheet.kind), name, span_buf(&job->out));
}

static void slice_cb(void *ctx)
{
    struct exporting *job = ctx;
    struct page page = page_of(job);
    struct store_txn *read;

    if (store_read_begin(page.agent->setup.store, &read) != OK) {
        http_answer(job->exchange, &(struct http_response){.status = 503, .retry_after_s = 30});
        job_end(job);
        return;
    }
    for (size_t i = 0; i < SLICE_ROWS && job->at < job->count; i++, job->at++) {
        add_row(&page, read, job);
    }
    store_read_end(read);
    if (job->at < job->count && job->sheet.error == OK) {
        loop_timer_after(&job->timer, 0);
        return;
    }
    finish(&page, job);
    job_end(job);
}

static void job_start(struct page *page, struct exporting *job, enum sheet_kind kind)
{
    struct web *web = page->web;

    job->web = web;
    job->exchange = page->exchange;
    job->language = page->language;
    job->next = web->exports;
    web->exports = job;
    web->export_count++;
    page->answered = true; /* later */
    buf_init(&job->out, EXPORT_BYTES);
    sheet_begin(&job->sheet, kind, &job->out);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        sheet_cell(&job->sheet, tr(page, heads[i]));
    }
    sheet_row_end(&job->sheet);
    loop_timer_init(web->setup.loop, &job->timer, slice_cb, job);
    loop_timer_after(&job->timer, 0);
}

void page_export(struct page *page)
{
    const struct act act = {.kind = ACT_EXPORTED};
    struct exporting *job;
    struct work_query query;
    struct work_result result;

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    if (strcmp(page->tail, "csv") != 0 && strcmp(page->tail, "xlsx") != 0) {
        page_refuse(page, 404, N_("没有这个页面。"));
        return;
    }
    job = page->web->export_count < EXPORTS_MAX ? calloc(1, sizeof(*job)) : NULL;
    page_query(page, http_form(page->request, "list"), &query);
    query.offset = 0;
    query.count = EXPORT_ROWS_MAX;
    if (job == NULL || page_act(page, &act) != OK ||
        worklist_query(page->web->worklist, &query, page->now_ms, &result) != OK) {
        free(job);
        page_refuse(page, 503, N_("正在导出的较多，请稍后再试。"));
        return;
    }
    job->rows = result.rows;
    job->count = result.count;
    job_start(page, job, strcmp(page->tail, "csv") == 0 ? SHEET_CSV : SHEET_XLSX);
}
