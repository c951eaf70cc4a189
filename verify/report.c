/* The words of a report. Called by main only; see report.h. */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "model/instant_text.h"

void report_init(struct report *report)
{
    memset(report, 0, sizeof *report);
    report->first_bad = NO_INDEX;
}

void report_find(struct report *report, enum verdict verdict, uint64_t index, const char *fmt, ...)
{
    va_list args;

    if (report->verdict != VERDICT_PASS) {
        return;
    }
    report->verdict = verdict;
    report->first_bad = index;
    va_start(args, fmt);
    (void)vsnprintf(report->reason, sizeof report->reason, fmt, args);
    va_end(args);
}

void report_judge_letter(struct report *report)
{
    const struct letter_report *letter = &report->letter;

    if (!letter->asked || letter->verdict == LETTER_MATCHES) {
        return;
    }
    if (letter->verdict == LETTER_DIFFERS) {
        report_find(report, VERDICT_FAIL, letter->index,
                    "the letter is not the message that is recorded under its id");
    } else {
        report_find(report, VERDICT_FAIL, NO_INDEX, "%s",
                    letter->refused ? "the letter's message was refused and is no letter"
                                    : "the log has no message of the letter's id");
    }
}

static const char *letter_name(const struct letter_report *letter)
{
    return letter->verdict == LETTER_MATCHES   ? "matches"
           : letter->verdict == LETTER_DIFFERS ? "differs"
           : letter->refused                   ? "refused"
                                               : "unknown";
}

const char *verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_PASS:
        return "PASS";
    case VERDICT_FAIL:
        return "FAIL";
    case VERDICT_INCOMPLETE:
        return "INCOMPLETE";
    case VERDICT_UNREADABLE:
        return "UNREADABLE";
    }
    return "UNREADABLE";
}

/* Three questions, answered apart: was anything changed; is all of it there; and how far do
 * witnesses vouch for that, which is the witnessed range. */
static const char *integrity_name(const struct report *report)
{
    return report->verdict == VERDICT_FAIL         ? "FAIL"
           : report->verdict == VERDICT_UNREADABLE ? "UNREADABLE"
                                                   : "PASS";
}

/* A fault ends the reading: what is behind it was not looked at. */
static const char *completeness_name(const struct report *report)
{
    return report->verdict == VERDICT_PASS         ? "PASS"
           : report->verdict == VERDICT_INCOMPLETE ? "INCOMPLETE"
                                                   : "UNKNOWN";
}

static void fingerprint(const struct report *report, char out[DIGEST_TEXT_BYTES])
{
    struct digest digest = crypto_digest(span_of(report->key, sizeof report->key));

    digest_format(&digest, out);
}

static void print_letter(const struct letter_report *letter)
{
    char at[INSTANT_TEXT_BYTES];

    if (letter->asked && letter->verdict == LETTER_UNKNOWN) {
        printf("  letter     %s\n", letter_name(letter));
    } else if (letter->asked) {
        instant_format(letter->at_ms, at);
        printf("  letter     %s record %" PRIu64 ": %s to %s, %s, recorded %s\n",
               letter_name(letter), letter->index, letter->sender, letter->receiver, letter->number,
               at);
    }
}

static void print_text(const struct report *report)
{
    char print[DIGEST_TEXT_BYTES];

    printf("%s", verdict_name(report->verdict));
    if (report->first_bad != NO_INDEX) {
        printf(" at record %" PRIu64, report->first_bad);
    }
    printf("%s%s\n", report->reason[0] != '\0' ? ": " : "", report->reason);
    if (!report->key_known) {
        return;
    }
    fingerprint(report, print);
    printf("  broker     %s\n", report->origin);
    printf("  key        SHA-256 %s, %s\n", print,
           report->pinned        ? "pinned"
           : report->pin_differs ? "NOT the one that --key names"
                                 : "NOT pinned: compare it with the broker's, or give --key FILE");
    printf("  records    %" PRIu64 " of %" PRIu64 "\n", report->records, report->expected);
    printf("  signed     records 0 to %" PRIu64 " (exclusive), by %" PRIu64 " checkpoints\n",
           report->signed_size, report->commits);
    printf("  messages   %" PRIu64 " shown, their digests match\n", report->shown);
    printf("  integrity  %s\n  complete   %s\n", integrity_name(report), completeness_name(report));
    if (report->recounted) {
        printf("  windows    %" PRIu64 " counted again, and %" PRIu64
               " rungs; by another calendar or"
               " policy, not judged: %" PRIu64 "\n",
               report->windows, report->rungs, report->unjudged);
    }
    printf("  witnessed  records 0 to %" PRIu64 " (exclusive), agencies: %" PRIu32 "\n",
           report->witnessed_size, report->witnessed_count);
    if (report->claimed_count > 0) {
        printf("  claimed    records 0 to %" PRIu64 " (exclusive), agencies: %" PRIu32
               "; not checked, their keys are not at hand\n",
               report->claimed_size, report->claimed_count);
    }
    if (report->recoveries > 0) {
        printf("  recovered  %" PRIu64 " times from an old copy, last at record %" PRIu64
               " as %s; %" PRIu64 " records handed back (%" PRIu64 " no longer fitted), %" PRIu64
               " indices missing\n",
               report->recoveries, report->recovered_from, report->last_origin, report->recovered,
               report->left_out, report->missing);
    }
    print_letter(&report->letter);
}

static void number(struct json_writer *writer, const char *name, uint64_t value)
{
    json_name(writer, name);
    json_u64(writer, value);
}

static void text(struct json_writer *writer, const char *name, const char *value)
{
    json_name(writer, name);
    json_text(writer, value);
}

static void print_key(const struct report *report, struct json_writer *writer)
{
    char print[DIGEST_TEXT_BYTES];

    fingerprint(report, print);
    text(writer, "origin", report->key_known ? report->origin : NULL);
    text(writer, "key_sha256", report->key_known ? print : NULL);
    json_name(writer, "pinned");
    json_bool(writer, report->pinned);
}

static void letter_member(struct json_writer *writer, const struct letter_report *letter)
{
    char at[INSTANT_TEXT_BYTES];

    if (!letter->asked) {
        return;
    }
    json_name(writer, "letter");
    json_object_begin(writer);
    text(writer, "verdict", letter_name(letter));
    if (letter->verdict != LETTER_UNKNOWN) {
        instant_format(letter->at_ms, at);
        number(writer, "record", letter->index);
        text(writer, "sender", letter->sender);
        text(writer, "receiver", letter->receiver);
        text(writer, "number", letter->number);
        text(writer, "recorded", at);
    }
    json_object_end(writer);
}

static void print_json(const struct report *report)
{
    struct json_writer writer;
    struct buf out;

    buf_init(&out, 8192);
    json_writer_init(&writer, &out);
    json_object_begin(&writer);
    json_name(&writer, "ok");
    json_bool(&writer, report->verdict == VERDICT_PASS);
    text(&writer, "verdict", verdict_name(report->verdict));
    json_name(&writer, "first_bad");
    if (report->first_bad == NO_INDEX) {
        json_text(&writer, NULL);
    } else {
        json_u64(&writer, report->first_bad);
    }
    text(&writer, "reason", report->reason);
    text(&writer, "integrity", integrity_name(report));
    text(&writer, "completeness", completeness_name(report));
    print_key(report, &writer);
    number(&writer, "records", report->records);
    number(&writer, "expected", report->expected);
    number(&writer, "checkpoints", report->commits);
    number(&writer, "signed_size", report->signed_size);
    number(&writer, "messages_shown", report->shown);
    number(&writer, "witnessed_size", report->witnessed_size);
    number(&writer, "witnesses", report->witnessed_count);
    number(&writer, "claimed_size", report->claimed_size);
    number(&writer, "claims", report->claimed_count);
    number(&writer, "recoveries", report->recoveries);
    if (report->recoveries > 0) {
        text(&writer, "recovered_as", report->last_origin);
        number(&writer, "recovered_from", report->recovered_from);
        number(&writer, "recovered", report->recovered);
        number(&writer, "recovered_left_out", report->left_out);
        number(&writer, "missing", report->missing);
    }
    if (report->recounted) {
        number(&writer, "windows", report->windows);
        number(&writer, "rungs", report->rungs);
        number(&writer, "windows_unjudged", report->unjudged);
    }
    letter_member(&writer, &report->letter);
    json_object_end(&writer);
    if (json_writer_end(&writer) == OK) {
        printf("%.*s\n", (int)out.len, (const char *)out.data);
    } else {
        /* A file name in the reason that is no UTF-8: the verdict stands without it. */
        printf("{\"ok\":%s,\"verdict\":\"%s\"}\n",
               report->verdict == VERDICT_PASS ? "true" : "false", verdict_name(report->verdict));
    }
    buf_free(&out);
}

int report_print(const struct report *report, bool json)
{
    if (json) {
        print_json(report);
    } else {
        print_text(report);
    }
    return (int)report->verdict;
}
