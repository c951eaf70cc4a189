/* See forms.h: a table by kind. The robots' forms and limits are those of their vendors' pages for
 * group robots: 20 messages a minute; DingTalk then takes nothing for ten minutes. */
#include "agent/notice/forms.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/notice/mail.h"
#include "agent/notice/template.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/web_hash.h"

#define FORM_URL_BYTES  4096u
#define FORM_BODY_BYTES (8u * NOTICE_TEXT_BYTES)
#define MINUTE_MS       60000u
#define WAIT_MAX_MS     3600000u /* whatever a gateway asks for */

void form_init(struct form *form)
{
    buf_init(&form->url, FORM_URL_BYTES);
    buf_init(&form->body, FORM_BODY_BYTES);
    buf_init(&form->headers, FORM_URL_BYTES * 2);
}

static void wipe(struct buf *buf)
{
    if (buf->data != NULL) {
        crypto_wipe(buf->data, buf->cap);
    }
    buf_free(buf);
}

void form_free(struct form *form)
{
    wipe(&form->url);
    wipe(&form->body);
    wipe(&form->headers);
}

static enum err add_header(struct form *form, const char *header)
{
    return buf_append(&form->headers, header, strlen(header) + 1);
}

/* --- mail --- */

static enum err write_mail(const struct notice_channel *channel,
                           const struct notice_sending *sending, struct form *form)
{
    enum err error = buf_append_text(&form->url, channel->url);

    return error == OK ? mail_write(channel, sending, &form->body) : error;
}

static void judge_mail(const struct notice_channel *channel, const struct web_answer *answer,
                       struct notice_outcome *outcome)
{
    (void)channel;
    if (answer->error == OK && answer->code >= 200 && answer->code < 400) {
        outcome->result = NOTICE_SENT;
    } else if (answer->recipient_refused) {
        outcome->result = NOTICE_REFUSED;
    }
}

/* --- robots --- */

static enum err add_query(struct form *form, const char *name, struct span value)
{
    bool first = form->url.data == NULL || memchr(form->url.data, '?', form->url.len) == NULL;
    enum err error = buf_printf(&form->url, "%s%s=", first ? "?" : "&", name);

    return error == OK ? web_percent(value, &form->url) : error;
}

static void write_mobiles(struct json_writer *writer, const char *name, const char *mobile)
{
    json_name(writer, name);
    json_array_begin(writer);
    json_text(writer, mobile);
    json_array_end(writer);
}

static enum err write_wecom(const struct notice_channel *channel,
                            const struct notice_sending *sending, struct form *form)
{
    struct json_writer writer;
    enum err error = buf_append_text(&form->url, channel->url);

    if (error == OK) {
        error = add_query(form, "key", span_text(channel->token));
    }
    if (error == OK) {
        error = add_header(form, "Content-Type: application/json");
    }
    if (error != OK) {
        return error;
    }
    json_writer_init(&writer, &form->body);
    json_object_begin(&writer);
    json_name(&writer, "msgtype");
    json_text(&writer, "text");
    json_name(&writer, "text");
    json_object_begin(&writer);
    json_name(&writer, "content");
    json_text(&writer, sending->text);
    write_mobiles(&writer, "mentioned_mobile_list", sending->address);
    json_object_end(&writer);
    json_object_end(&writer);
    return json_writer_end(&writer);
}

/* urlencode(base64(HMAC-SHA256(key, "MS\nKEY"))) */
static enum err sign_dingtalk(const struct notice_channel *channel, uint64_t wall_ms,
                              struct form *form)
{
    char text[NOTICE_SECRET_BYTES + 32], number[32];
    uint8_t mac[WEB_SHA256_BYTES];
    struct buf sign;
    enum err error;

    (void)snprintf(number, sizeof(number), "%" PRIu64, wall_ms);
    (void)snprintf(text, sizeof(text), "%s\n%s", number, channel->key);
    web_hmac_sha256(span_text(channel->key), span_text(text), mac);
    crypto_wipe(text, sizeof(text));
    buf_init(&sign, 64);
    error = base64_encode(span_of(mac, sizeof(mac)), &sign);
    if (error == OK) {
        error = add_query(form, "timestamp", span_text(number));
    }
    if (error == OK) {
        error = add_query(form, "sign", span_buf(&sign));
    }
    buf_free(&sign);
    return error;
}

/* DingTalk shows the mention only where the text has the number, too. */
static enum err write_dingtalk_body(const struct notice_sending *sending, struct buf *out)
{
    struct json_writer writer;
    struct buf content;
    enum err error;

    buf_init(&content, 2 * NOTICE_TEXT_BYTES);
    error = buf_printf(&content, "%s @%s", sending->text, sending->address);
    if (error == OK) {
        error = buf_append(&content, "", 1);
    }
    if (error == OK) {
        json_writer_init(&writer, out);
        json_object_begin(&writer);
        json_name(&writer, "msgtype");
        json_text(&writer, "text");
        json_name(&writer, "text");
        json_object_begin(&writer);
        json_name(&writer, "content");
        json_text(&writer, (const char *)content.data);
        json_object_end(&writer);
        json_name(&writer, "at");
        json_object_begin(&writer);
        write_mobiles(&writer, "atMobiles", sending->address);
        json_name(&writer, "isAtAll");
        json_bool(&writer, false);
        json_object_end(&writer);
        json_object_end(&writer);
        error = json_writer_end(&writer);
    }
    buf_free(&content);
    return error;
}

static enum err write_dingtalk(const struct notice_channel *channel,
                               const struct notice_sending *sending, struct form *form)
{
    enum err error = buf_append_text(&form->url, channel->url);

    if (error == OK) {
        error = add_query(form, "access_token", span_text(channel->token));
    }
    if (error == OK) {
        error = sign_dingtalk(channel, sending->wall_ms, form);
    }
    if (error == OK) {
        error = add_header(form, "Content-Type: application/json");
    }
    return error == OK ? write_dingtalk_body(sending, &form->body) : error;
}

/* Codes that say "too fast", and how long they keep a robot silent. */
static const struct {
    int64_t code;
    int kind;
    uint64_t wait_ms;
} too_fast[] = {
    {45009, CHANNEL_WECOM, MINUTE_MS},
    {130101, CHANNEL_DINGTALK, 10 * MINUTE_MS},
    {410100, CHANNEL_DINGTALK, 10 * MINUTE_MS},
};

static void judge_code(const struct notice_channel *channel, int64_t code, const char *text,
                       struct notice_outcome *outcome)
{
    if (code == 0) {
        outcome->result = NOTICE_SENT;
        return;
    }
    for (size_t i = 0; i < sizeof(too_fast) / sizeof(too_fast[0]); i++) {
        if (too_fast[i].code == code && too_fast[i].kind == channel->kind) {
            outcome->result = NOTICE_BLOCKED;
            outcome->wait_ms = too_fast[i].wait_ms;
        }
    }
    (void)snprintf(outcome->reason, sizeof(outcome->reason), "errcode %" PRId64 ": %.120s", code,
                   text);
}

static void judge_robot(const struct notice_channel *channel, const struct web_answer *answer,
                        struct notice_outcome *outcome)
{
    struct json *json = NULL;
    struct json_value root, code, text;
    const char *message = "";
    int64_t number = 0;

    if (json_open("answer", span_of(answer->body, answer->len), &json, NULL) != OK) {
        (void)snprintf(outcome->reason, sizeof(outcome->reason), "the answer is no JSON");
        return;
    }
    root = json_root(json);
    code = json_member(&root, "errcode");
    text = json_member(&root, "errmsg");
    if (json_get_text(&text, WEB_ANSWER_BYTES, &message, NULL) != OK) {
        message = "";
    }
    if (json_get_i64(&code, &number, NULL) == OK) {
        judge_code(channel, number, message, outcome);
    } else {
        (void)snprintf(outcome->reason, sizeof(outcome->reason), "the answer has no errcode");
    }
    json_free(json);
}

/* --- any gateway --- */

static enum err encode_body(const struct notice_channel *channel, struct form *form)
{
    struct buf encoded;
    enum err error;

    if (channel->encoding != ENCODING_BASE64) {
        return OK;
    }
    buf_init(&encoded, FORM_BODY_BYTES);
    error = base64_encode(span_buf(&form->body), &encoded);
    if (error == OK) {
        buf_clear(&form->body);
        error = buf_append(&form->body, encoded.data, encoded.len);
    }
    wipe(&encoded);
    return error;
}

static enum err write_headers(const struct notice_channel *channel,
                              const struct notice_sending *sending, struct form *form)
{
    enum err error = buf_printf(&form->headers, "Content-Type: %s", channel->content_type);

    if (error == OK) {
        error = buf_append(&form->headers, "", 1);
    }
    for (size_t i = 0; error == OK && i < channel->header_count; i++) {
        error =
            template_fill(channel->headers[i], TEMPLATE_HEADER, channel, sending, &form->headers);
        if (error == OK) {
            error = buf_append(&form->headers, "", 1);
        }
    }
    return error;
}

static enum template_place place_of(const struct notice_channel *channel)
{
    if (strstr(channel->content_type, "json") != NULL) {
        return TEMPLATE_JSON;
    }
    return strstr(channel->content_type, "urlencoded") != NULL ? TEMPLATE_URL : TEMPLATE_PLAIN;
}

static enum err write_http(const struct notice_channel *channel,
                           const struct notice_sending *sending, struct form *form)
{
    enum err error = template_fill(channel->url, TEMPLATE_URL, channel, sending, &form->url);

    if (error == OK) {
        error = template_fill(channel->body, place_of(channel), channel, sending, &form->body);
    }
    if (error == OK) {
        error = encode_body(channel, form);
    }
    return error == OK ? write_headers(channel, sending, form) : error;
}

static void judge_http(const struct notice_channel *channel, const struct web_answer *answer,
                       struct notice_outcome *outcome)
{
    if (channel->accept[0] == '\0' || strstr(answer->body, channel->accept) != NULL) {
        outcome->result = NOTICE_SENT;
    } else {
        (void)snprintf(outcome->reason, sizeof(outcome->reason),
                       "HTTP %ld, but the answer does not hold \"%s\": %.80s", answer->code,
                       channel->accept, answer->body);
    }
}

/* --- all of them --- */

static const struct {
    enum err (*write)(const struct notice_channel *, const struct notice_sending *, struct form *);
    void (*judge)(const struct notice_channel *, const struct web_answer *,
                  struct notice_outcome *);
} forms[] = {
    [CHANNEL_SMTP] = {write_mail, judge_mail},
    [CHANNEL_WECOM] = {write_wecom, judge_robot},
    [CHANNEL_DINGTALK] = {write_dingtalk, judge_robot},
    [CHANNEL_HTTP] = {write_http, judge_http},
};

enum err channel_form_write(const struct notice_channel *channel,
                            const struct notice_sending *sending, struct form *form)
{
    enum err error = forms[channel->kind].write(channel, sending, form);

    return error == OK ? buf_append(&form->url, "", 1) : error;
}

/* HTTP's own words, for robots and gateways alike. True: the answer's body is to be judged. */
static bool judge_status(const struct web_answer *answer, struct notice_outcome *outcome)
{
    if (answer->code >= 200 && answer->code < 300) {
        return true;
    }
    (void)snprintf(outcome->reason, sizeof(outcome->reason), "HTTP %ld", answer->code);
    if (answer->code == 429 || (answer->code == 503 && answer->retry_after_ms > 0)) {
        outcome->result = NOTICE_BLOCKED;
        outcome->wait_ms = answer->retry_after_ms > 0 ? answer->retry_after_ms : MINUTE_MS;
        outcome->wait_ms = outcome->wait_ms < WAIT_MAX_MS ? outcome->wait_ms : WAIT_MAX_MS;
    }
    return false;
}

/* A server may repeat what it was sent, and an error may name the address that a secret is in. */
static void hide(char *reason, const char *secret)
{
    size_t len = strlen(secret);
    char *found;

    while (len > 0 && (found = strstr(reason, secret)) != NULL) {
        memset(found, '*', len < 3 ? len : 3);
        memmove(found + (len < 3 ? len : 3), found + len, strlen(found + len) + 1);
        if (len <= 3) {
            break; /* stars would be found again */
        }
    }
}

static void tidy(const struct notice_channel *channel, char *reason)
{
    hide(reason, channel->password);
    hide(reason, channel->token);
    hide(reason, channel->key);
    for (size_t i = 0; reason[i] != '\0'; i++) {
        if ((uint8_t)reason[i] < ' ' || reason[i] == 0x7f) {
            reason[i] = ' ';
        }
    }
    for (size_t len = strlen(reason); len > 0 && !utf8_valid(span_text(reason)); len--) {
        reason[len - 1] = '\0'; /* a character may have been cut */
    }
}

void form_judge(const struct notice_channel *channel, const struct web_answer *answer,
                struct notice_outcome *ret_outcome)
{
    struct notice_outcome outcome = {.result = NOTICE_FAILED};

    if (answer->error != OK) {
        (void)snprintf(outcome.reason, sizeof(outcome.reason), "%s", answer->reason);
    }
    if (channel->kind == CHANNEL_SMTP || (answer->error == OK && judge_status(answer, &outcome))) {
        forms[channel->kind].judge(channel, answer, &outcome);
    }
    tidy(channel, outcome.reason);
    *ret_outcome = outcome;
}
