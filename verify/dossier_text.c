/* The report of a dossier, for somebody who reads files and not programs: what was decided, who
 * sent what to whom, when the log had it, which windows ran and why they ended on that day, what
 * was escalated, who vouches. The same as JSON. Names of agencies are the registry's; nothing
 * personal is in it. See dossier.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "dossier_words.h"
#include "model/instant_text.h"
#include "model/message_json.h"

#define SKIPPED_MAX 40

struct writing {
    const struct dossier *dossier;
    enum dossier_language language;
    struct buf *out;
    enum err error; /* the first one */
};

static void append(struct writing *writing, const char *text)
{
    if (writing->error == OK) {
        writing->error = buf_append_text(writing->out, text);
    }
}

FORMAT(2, 3) static void put(struct writing *writing, const char *fmt, ...)
{
    char text[2048];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    append(writing, text);
}

/* The same sentence in both languages takes the same values. */
FORMAT(2, 4)
FORMAT(3, 4) static void say(struct writing *writing, const char *zh, const char *en, ...)
{
    char text[2048];
    va_list args;

    va_start(args, en);
    if (writing->language == LANGUAGE_CHINESE) {
        (void)vsnprintf(text, sizeof text, zh, args);
    } else {
        (void)vsnprintf(text, sizeof text, en, args);
    }
    va_end(args);
    append(writing, text);
}

static const char *in(const struct writing *writing, const char *zh, const char *en)
{
    return writing->language == LANGUAGE_CHINESE ? zh : en;
}

static const char *agency_name(const struct writing *writing, const char *id)
{
    const struct registry *registry = writing->dossier->registry;
    const struct agency *agency = registry != NULL ? registry_find(registry, id) : NULL;

    if (strcmp(id, "broker") == 0) {
        return in(writing, "中枢", "the broker");
    }
    if (agency == NULL) {
        return id;
    }
    return in(writing, agency->name_zh, agency->name_en);
}

/* "2026-03-02 09:30:00" of +08:00. */
static const char *when(uint64_t at_ms, char out[INSTANT_TEXT_BYTES])
{
    instant_format(at_ms, out);
    if (strlen(out) > 19) {
        out[10] = ' ';
        out[19] = '\0';
    }
    return out;
}

static const char *verdict_words(const struct writing *writing)
{
    switch (writing->dossier->verdict) {
    case VERDICT_PASS:
        return strcmp(writing->dossier->subject, "lie") == 0
                   ? in(writing, "通过（PASS）：中枢说了假话，已经证明",
                        "PASS: the broker's lie is proven")
                   : in(writing, "通过（PASS）：文件中的一切都成立",
                        "PASS: all that is in the file holds");
    case VERDICT_INCOMPLETE:
        return in(writing, "不完整（INCOMPLETE）：已有的都成立，缺少的见下",
                  "INCOMPLETE: what is there holds; what is missing is below");
    case VERDICT_UNREADABLE:
        return in(writing, "无法读取（UNREADABLE）", "UNREADABLE");
    case VERDICT_FAIL:
        break;
    }
    return in(writing, "不通过（FAIL）：原因见下", "FAIL: the reasons are below");
}

static void say_findings(struct writing *writing)
{
    const struct dossier *dossier = writing->dossier;

    for (size_t i = 0; i < dossier->finding_count; i++) {
        const struct finding *finding = &dossier->findings[i];

        put(writing, "  - %s: %s%s%s%s [%s]\n", verdict_name(finding->verdict),
            words_in(finding_words(finding->code), writing->language),
            finding->detail[0] != '\0' ? " (" : "", finding->detail,
            finding->detail[0] != '\0' ? ")" : "", finding->place);
    }
    if (dossier->findings_left_out > 0) {
        say(writing, "  - 另有 %zu 项\n", "  - and %zu more\n", dossier->findings_left_out);
    }
}

/* A file about a lie: whose word it is, and what it was asked. */
static void say_lie(struct writing *writing)
{
    const struct dossier *dossier = writing->dossier;
    char at[INSTANT_TEXT_BYTES], root[DIGEST_TEXT_BYTES];

    if (dossier->document.version != 0) {
        digest_format(&dossier->document.root, root);
        say(writing, "\n  联席会议办公室签名的名册第 %" PRIu64 " 版，根密钥指纹 %s\n",
            "\n  registry version %" PRIu64 ", signed by the office's root %s\n",
            dossier->document.version, root);
    }
    if (dossier->exporter[0] != '\0') {
        say(writing, "  提问单位（按请求所写）：%s；中枢：%s\n",
            "  asked by %s (as the request says); broker %s\n",
            agency_name(writing, dossier->exporter), dossier->origin);
    }
    if (dossier->newest.size > 0) {
        say(writing, "  回复中的日志：%" PRIu64 " 条，%s\n",
            "  the log of the reply: %" PRIu64 " records, %s\n", dossier->newest.size,
            when(dossier->newest.time_ms, at));
    }
}

/* From where each version of the registry was in force. */
static void say_versions(struct writing *writing)
{
    const struct dossier *dossier = writing->dossier;

    for (size_t i = 0; i < dossier->version_count && dossier->version_count > 1; i++) {
        const struct told_version *version = &dossier->versions[i];

        if (version->placed) {
            say(writing, "    第 %" PRIu64 " 版：自日志第 %" PRIu64 " 条起有效\n",
                "    version %" PRIu64 ": in force from record %" PRIu64 " of the log on\n",
                version->document.version, version->leaf);
        } else {
            say(writing, "    第 %" PRIu64 " 版：何时起有效没有证明\n",
                "    version %" PRIu64 ": nothing shows from when on\n", version->document.version);
        }
    }
}

static void say_head(struct writing *writing)
{
    const struct dossier *dossier = writing->dossier;
    char root[DIGEST_TEXT_BYTES];

    put(writing, "%s\n%s%s\n", in(writing, "证据核验报告", "Report on an evidence file"),
        in(writing, "结论：", "Verdict: "), verdict_words(writing));
    say_findings(writing);
    if (strcmp(dossier->subject, "lie") == 0) {
        say_lie(writing);
        return;
    }
    if (dossier->exporter[0] == '\0') {
        return;
    }
    say(writing, "\n一、文件\n", "\n1. The file\n");
    say(writing, "  导出单位：%s；事项：%s；导出时间（该单位所称）：%s\n",
        "  exported by %s; about %s; made (its own word) %s\n",
        agency_name(writing, dossier->exporter), dossier->asked, dossier->made);
    put(writing, "  %s\n",
        dossier->bodies
            ? in(writing, "含正文密钥：涉及个人信息", "with the keys of bodies: personal data")
            : in(writing, "不含正文", "without bodies"));
    say(writing, "\n二、凭什么相信\n", "\n2. Who vouches\n");
    if (dossier->document.version == 0) {
        say(writing, "  没有可信的名册\n", "  no registry that can be believed\n");
        return;
    }
    digest_format(&dossier->document.root, root);
    say(writing, "  联席会议办公室签名的名册第 %" PRIu64 " 版，根密钥指纹 %s\n",
        "  registry version %" PRIu64 ", signed by the office's root %s\n",
        dossier->document.version, root);
    say_versions(writing);
    say(writing, "  中枢：%s；已吊销密钥 %zu 把\n", "  broker %s; keys revoked: %zu\n",
        dossier->origin, dossier->revoked);
}

/* --- messages --- */

static void say_letter(struct writing *writing, const struct told_message *told)
{
    struct letter_code code;
    char text[LETTER_CODE_BYTES];

    letter_code_of(&told->message->header.message_id, &told->digest, &code);
    letter_code_format(&code, text);
    say(writing, "      函件核验码 %s\n", "      letter code %s\n", text);
}

static bool has_letter(const struct told_message *told)
{
    const enum message_kind kind = told->message->header.kind;

    return !told->refused &&
           (kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_REFERRAL ||
            kind == MESSAGE_OUTBOUND_FEEDBACK || kind == MESSAGE_INBOUND_FEEDBACK);
}

/* What people wrote, without what would move a terminal. */
static void say_written(struct writing *writing, const char *label, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return;
    }
    put(writing, "      %s", label);
    for (const char *at = text; *at != '\0'; at++) {
        const unsigned char byte = (unsigned char)*at;
        bool control =
            byte < ' ' || byte == 0x7f ||
            (byte == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0);
        char one[2] = {*at, '\0'};

        one[0] = *(control ? " " : at);
        append(writing, one);
        at += byte == 0xc2 && control ? 1 : 0;
    }
    append(writing, "\n");
}

static void say_body(struct writing *writing, const struct body *body)
{
    say_written(writing, in(writing, "经办人：", "officer: "), body->officer);
    for (size_t i = 0; i < body->person_count; i++) {
        say_written(writing, in(writing, "人员：", "person: "), body->persons[i].name);
    }
    say_written(writing, in(writing, "情况：", "circumstances: "), body->circumstances);
    say_written(writing, in(writing, "理由：", "reasons: "), body->reasons);
    say_written(writing, in(writing, "先行移送理由：", "why in advance: "), body->advance_reason);
    say_written(writing, in(writing, "意见：", "opinion: "), body->opinion);
    say_written(writing, in(writing, "内容：", "text: "), body->text);
}

static void say_message(struct writing *writing, const struct told_message *told)
{
    const struct message_header *header = &told->message->header;
    const struct notice_facts *facts = &told->message->notice;
    char at[INSTANT_TEXT_BYTES];
    bool notice = !told->refused && header->kind >= MESSAGE_DELIVERY_NOTICE;

    put(writing, "  %s  %s → %s  %s%s%s  %s%s  #%" PRIu64 "\n", when(told->at_ms, at),
        agency_name(writing, header->sender), agency_name(writing, header->recipient),
        words_in(kind_words(header->kind), writing->language),
        notice && facts->rung[0] != '\0' ? " " : "",
        notice && facts->rung[0] != '\0' ? facts->rung : "", header->referral_number,
        told->refused ? in(writing, "（被中枢拒收）", " (refused)") : "", told->receipt.leaf_index);
    if (has_letter(told)) {
        say_letter(writing, told);
    }
    if (told->body != NULL) {
        say_body(writing, told->body);
    }
}

static void say_messages(struct writing *writing)
{
    const struct dossier *dossier = writing->dossier;

    say(writing, "\n三、经过（中枢记录的时间，北京时间；# 为日志序号）\n",
        "\n3. What happened (times of the broker's log, +08:00; # is the place in it)\n");
    for (size_t i = 0; i < dossier->message_count; i++) {
        say_message(writing, &dossier->messages[i]);
    }
}

/* --- windows --- */

/* The days between that a calendar row decides, by name. */
static void say_skipped(struct writing *writing, const struct told_clock *clock)
{
    const struct days *days = &writing->dossier->days;
    int32_t from = day_of(clock->counted.start_ms), to = day_of(clock->counted.due_before_ms - 1);
    unsigned weekend = 0, named = 0;

    for (int32_t day = from + 1; day <= to && named < SKIPPED_MAX; day++) {
        const struct days_row *row = days_row_of(days, day);
        char text[DAY_TEXT_BYTES];

        if (row == NULL) {
            weekend += !days_is_working(days, day);
            continue;
        }
        day_format(day, text);
        put(writing, "%s%s %s%s", named == 0 ? "      " : "; ", text, row->name,
            row->off ? in(writing, "（不计）", " (not counted)")
                     : in(writing, "（调休上班，计入）", " (worked, counted)"));
        named++;
    }
    put(writing, "%s", named > 0 ? "\n" : "");
    say(writing, "      其间周末休息 %u 天不计\n", "      weekend days not counted: %u\n", weekend);
}

static void say_end(struct writing *writing, const struct told_clock *clock)
{
    const struct days *days = &writing->dossier->days;
    char at[INSTANT_TEXT_BYTES];

    if (clock->end_ms == 0) {
        say(writing, "      本文件中没有答复\n", "      no answer in this file\n");
    } else if (!clock->answered) {
        say(writing, "      %s 因撤回而终止\n", "      ended by the withdrawal at %s\n",
            when(clock->end_ms, at));
    } else if (clock->answered_ms < clock->counted.due_before_ms) {
        say(writing, "      %s 答复：按期\n", "      answered at %s: in time\n",
            when(clock->answered_ms, at));
    } else {
        say(writing, "      %s 答复：逾期 %u 个工作日\n",
            "      answered at %s: late by %u working days\n", when(clock->answered_ms, at),
            (unsigned)days_between(days, day_of(clock->counted.due_before_ms - 1),
                                   day_of(clock->answered_ms)));
    }
}

static void say_window(struct writing *writing, const struct told_clock *clock)
{
    char start[INSTANT_TEXT_BYTES], last[DAY_TEXT_BYTES];

    if (clock->counted.due_before_ms == 0) {
        return;
    }
    day_format(day_of(clock->counted.due_before_ms - 1), last);
    say(writing, "  %s  %s 第 %u 次，承办：%s\n", "  %s  %s, window %u, held by %s\n",
        clock->number, words_in(task_words(clock->task), writing->language),
        (unsigned)clock->window, agency_name(writing, clock->holder));
    say(writing, "      自 %s 起算（当日不计），第 %u 个工作日为 %s，当日 24:00 截止%s%s\n",
        "      from %s (that day not counted) %u working days: the last is %s, until "
        "24:00%s%s\n",
        when(clock->counted.start_ms, start), (unsigned)clock->counted.working_days, last,
        clock->provisional ? in(writing, "（暂定）", ", provisional") : "",
        clock->redated ? in(writing, "（经调整）", ", re-dated") : "");
    say_skipped(writing, clock);
    say_end(writing, clock);
}

static void say_windows(struct writing *writing)
{
    const struct dossier *dossier = writing->dossier;

    if (dossier->clock_count == 0) {
        return;
    }
    say(writing, "\n四、期限（按日历 %s 重算）\n",
        "\n4. Windows (counted anew by the calendar %s)\n", dossier->days.version);
    for (size_t i = 0; i < dossier->clock_count; i++) {
        say_window(writing, &dossier->clocks[i]);
    }
}

static void say_rungs(struct writing *writing)
{
    const struct dossier *dossier = writing->dossier;

    say(writing, "\n五、催办督办\n", "\n5. Reminders and escalations\n");
    for (size_t i = 0; i < dossier->rung_count; i++) {
        const struct told_message *told = dossier->rungs[i].notice;
        const struct notice_facts *facts = &told->message->notice;
        char due[INSTANT_TEXT_BYTES], at[INSTANT_TEXT_BYTES];

        say(writing, "  %s  应发 %s，发出 %s，对 %s%s%s\n",
            "  %s  fell due %s, raised %s, to be answered by %s%s%s\n", facts->rung,
            when(facts->fell_due_ms, due), when(told->at_ms, at),
            agency_name(writing, facts->responsible),
            facts->document_number[0] != '\0' ? in(writing, "，文号 ", ", document ") : "",
            facts->document_number);
    }
    if (dossier->rung_count == 0) {
        say(writing, "  没有\n", "  none\n");
    }
}

static size_t linked_count(const struct dossier *dossier)
{
    size_t count = 0;

    for (size_t i = 0; i < dossier->message_count; i++) {
        count += dossier->messages[i].linked;
    }
    return count;
}

static void say_witnesses(struct writing *writing)
{
    const struct dossier *dossier = writing->dossier;
    const struct tree_head *newest = &dossier->newest;
    char at[INSTANT_TEXT_BYTES];

    say(writing, "\n六、见证\n", "\n6. Witnesses\n");
    if (newest->size > 0) {
        say(writing, "  导出单位最后看到的日志：%" PRIu64 " 条，%s\n",
            "  the log as the exporter saw it last: %" PRIu64 " records, %s\n", newest->size,
            when(newest->time_ms, at));
    }
    say(writing, "  %zu 件消息中，有 %zu 件证明属于中枢签名的同一份日志（%" PRIu64 " 条）\n",
        "  of %zu messages %zu are shown to be of one log that the broker signed, of %" PRIu64
        " records\n",
        dossier->message_count, linked_count(dossier), dossier->top_size);
    for (size_t i = 0; i < dossier->witness_count; i++) {
        const struct told_witness *witness = &dossier->witnesses[i];

        if (witness->linked) {
            say(writing, "  %s签名见证：看到的是同一份日志，到第 %" PRIu64 " 条为止\n",
                "  %s countersigned that it saw the same log, up to %" PRIu64 " records\n",
                agency_name(writing, witness->agency), witness->size);
        } else {
            say(writing, "  %s签名见证过 %" PRIu64 " 条的日志，未证明是同一份\n",
                "  %s countersigned a log of %" PRIu64
                " records, which is not shown to be the same\n",
                agency_name(writing, witness->agency), witness->size);
        }
    }
    if (dossier->witness_count == 0) {
        say(writing, "  本文件没有其他单位的见证签名\n",
            "  there is no signature of other agencies in this file\n");
    }
}

enum err dossier_write_text(const struct dossier *dossier, enum dossier_language language,
                            struct buf *out)
{
    struct writing writing = {.dossier = dossier, .language = language, .out = out};

    say_head(&writing);
    if (dossier->message_count > 0) {
        say_messages(&writing);
        say_windows(&writing);
        say_rungs(&writing);
        say_witnesses(&writing);
    }
    return writing.error;
}

/* --- JSON --- */

static void member(struct json_writer *writer, const char *name, const char *value)
{
    json_name(writer, name);
    json_text(writer, value);
}

static void number(struct json_writer *writer, const char *name, uint64_t value)
{
    json_name(writer, name);
    json_u64(writer, value);
}

static void instant(struct json_writer *writer, const char *name, uint64_t at_ms)
{
    char text[INSTANT_TEXT_BYTES];

    if (at_ms != 0) {
        instant_format(at_ms, text);
        member(writer, name, text);
    }
}

static void write_findings(struct json_writer *writer, const struct dossier *dossier,
                           enum dossier_language language)
{
    json_name(writer, "findings");
    json_array_begin(writer);
    for (size_t i = 0; i < dossier->finding_count; i++) {
        const struct finding *finding = &dossier->findings[i];

        json_object_begin(writer);
        member(writer, "verdict", verdict_name(finding->verdict));
        member(writer, "code", finding->code);
        member(writer, "place", finding->place);
        member(writer, "detail", finding->detail);
        member(writer, "message", words_in(finding_words(finding->code), language));
        json_object_end(writer);
    }
    json_array_end(writer);
    number(writer, "findings_left_out", dossier->findings_left_out);
}

static void write_witnesses(struct json_writer *writer, const struct dossier *dossier)
{
    json_name(writer, "witnesses");
    json_array_begin(writer);
    for (size_t i = 0; i < dossier->witness_count; i++) {
        json_object_begin(writer);
        member(writer, "agency", dossier->witnesses[i].agency);
        number(writer, "size", dossier->witnesses[i].size);
        json_name(writer, "linked");
        json_bool(writer, dossier->witnesses[i].linked);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void write_messages(struct json_writer *writer, const struct dossier *dossier)
{
    json_name(writer, "messages");
    json_array_begin(writer);
    for (size_t i = 0; i < dossier->message_count; i++) {
        const struct told_message *told = &dossier->messages[i];
        const struct message_header *header = &told->message->header;
        struct letter_code code;
        char id[UUID_TEXT_BYTES], letter[LETTER_CODE_BYTES];

        uuid_format(&header->message_id, id);
        json_object_begin(writer);
        member(writer, "id", id);
        member(writer, "kind", message_kind_name(header->kind));
        member(writer, "sender", header->sender);
        member(writer, "recipient", header->recipient);
        member(writer, "number", header->referral_number);
        number(writer, "leaf", told->receipt.leaf_index);
        instant(writer, "recorded", told->at_ms);
        json_name(writer, "refused");
        json_bool(writer, told->refused);
        if (has_letter(told)) {
            letter_code_of(&header->message_id, &told->digest, &code);
            letter_code_format(&code, letter);
            member(writer, "letter", letter);
        }
        if (told->body != NULL) {
            json_name(writer, "body");
            message_json_write_body(writer, told->body);
        }
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void write_windows(struct json_writer *writer, const struct dossier *dossier)
{
    json_name(writer, "windows");
    json_array_begin(writer);
    for (size_t i = 0; i < dossier->clock_count; i++) {
        const struct told_clock *clock = &dossier->clocks[i];

        json_object_begin(writer);
        member(writer, "number", clock->number);
        number(writer, "task", clock->task);
        number(writer, "window", clock->window);
        member(writer, "holder", clock->holder);
        instant(writer, "start", clock->counted.start_ms);
        number(writer, "working_days", clock->counted.working_days);
        instant(writer, "due_before", clock->counted.due_before_ms);
        instant(writer, "ended", clock->end_ms);
        json_name(writer, "late");
        json_bool(writer, clock->answered && clock->answered_ms >= clock->counted.due_before_ms);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void write_rungs(struct json_writer *writer, const struct dossier *dossier)
{
    json_name(writer, "rungs");
    json_array_begin(writer);
    for (size_t i = 0; i < dossier->rung_count; i++) {
        const struct told_message *told = dossier->rungs[i].notice;
        const struct notice_facts *facts = &told->message->notice;

        json_object_begin(writer);
        member(writer, "rung", facts->rung);
        member(writer, "number", told->message->header.referral_number);
        member(writer, "document", facts->document_number);
        member(writer, "responsible", facts->responsible);
        instant(writer, "fell_due", facts->fell_due_ms);
        instant(writer, "raised", told->at_ms);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void write_versions(struct json_writer *writer, const struct dossier *dossier)
{
    json_name(writer, "registry_versions");
    json_array_begin(writer);
    for (size_t i = 0; i < dossier->version_count; i++) {
        json_object_begin(writer);
        number(writer, "version", dossier->versions[i].document.version);
        if (dossier->versions[i].placed) {
            number(writer, "leaf", dossier->versions[i].leaf);
        }
        json_object_end(writer);
    }
    json_array_end(writer);
}

enum err dossier_write_json(const struct dossier *dossier, enum dossier_language language,
                            struct buf *out)
{
    struct json_writer writer;
    char root[DIGEST_TEXT_BYTES];

    digest_format(&dossier->document.root, root);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_name(&writer, "ok");
    json_bool(&writer, dossier->verdict == VERDICT_PASS);
    member(&writer, "verdict", verdict_name(dossier->verdict));
    write_findings(&writer, dossier, language);
    member(&writer, "exporter", dossier->exporter);
    member(&writer, "subject", dossier->subject);
    member(&writer, "asked", dossier->asked);
    member(&writer, "origin", dossier->origin);
    number(&writer, "registry_version", dossier->document.version);
    write_versions(&writer, dossier);
    member(&writer, "root", dossier->document.version != 0 ? root : NULL);
    member(&writer, "calendar", dossier->days.version);
    number(&writer, "log_size", dossier->newest.size);
    number(&writer, "linked", linked_count(dossier));
    number(&writer, "linked_size", dossier->top_size);
    write_witnesses(&writer, dossier);
    write_messages(&writer, dossier);
    write_windows(&writer, dossier);
    write_rungs(&writer, dossier);
    json_object_end(&writer);
    return json_writer_end(&writer);
}
