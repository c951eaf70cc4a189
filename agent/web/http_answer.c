/* Answers: the headers that all of them carry, and refusals. Bodies are copied, and wiped when they
 * have been sent. The policy lets a page load styles, scripts and pictures from here alone and run
 * no script that is written into it. */
#include "agent/web/http_parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define RETRY_S 5u

static const struct {
    const char *name;
    const char *value;
} always[] = {
    {"Content-Security-Policy",
     "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
     "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "same-origin"}, /* with "no-referrer" the Origin of our forms is null */
    {"X-Frame-Options", "DENY"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy",
     "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()"},
};

/* --- the body --- */

struct body_copy {
    struct http_server *server; /* outlives it */
    size_t len;
    char bytes[];
};

static void body_copy_free(void *cls)
{
    struct body_copy *copy = cls;
    copy->server->answers_bytes -= copy->len;
    crypto_wipe(copy->bytes, copy->len);
    free(copy);
}

/* A page has room always: it is small, and says why the large one has none. */
static bool has_room(const struct http_server *server, struct span body)
{
    return body.len <= LIMIT_WEB_FORM_BYTES ||
           (server->answers_bytes < LIMIT_WEB_ANSWERS_BYTES &&
            body.len <= LIMIT_WEB_ANSWERS_BYTES - server->answers_bytes);
}

static struct MHD_Response *response_new(struct http_server *server, struct span body)
{
    if (body.len == 0) {
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    }
    struct body_copy *copy = has_room(server, body) ? malloc(sizeof *copy + body.len) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    copy->server = server;
    copy->len = body.len;
    server->answers_bytes += body.len;
    memcpy(copy->bytes, body.data, body.len);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        body.len, copy->bytes, body_copy_free, copy);
    if (response == NULL) {
        body_copy_free(copy);
    }
    return response;
}

/* --- headers --- */

/* Control characters in a value would begin another header. */
static bool header_add(struct MHD_Response *response, const char *name, const char *value)
{
    if (value == NULL) {
        return true;
    }
    for (const char *at = value; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return false;
        }
    }
    return value[0] != '\0' && MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool always_add(const struct http_exchange *exchange, struct MHD_Response *response)
{
    bool added = true;
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        added = added && header_add(response, always[i].name, always[i].value);
    }
    if (exchange->server->secure) {
        added = added && header_add(response, "Strict-Transport-Security", "max-age=31536000");
    }
    if (exchange->cut) {
        added = added && header_add(response, "Connection", "close");
    }
    return added;
}

static bool given_add(struct MHD_Response *response, const struct http_response *given)
{
    char cache[48] = "no-store";
    char retry[16];
    if (given->fresh_s > 0) {
        (void)snprintf(cache, sizeof cache, "private, max-age=%u", given->fresh_s); /* fits */
    }
    (void)snprintf(retry, sizeof retry, "%u", given->retry_after_s); /* fits */
    const char *type = given->type;
    if (type == NULL && given->body.len > 0) {
        type = "text/html; charset=utf-8";
    }
    return header_add(response, "Content-Type", type) &&
           header_add(response, "Cache-Control", cache) &&
           header_add(response, "Location", given->location) &&
           header_add(response, "Set-Cookie", given->cookie) &&
           header_add(response, "Content-Disposition", given->disposition) &&
           header_add(response, "Retry-After", given->retry_after_s > 0 ? retry : NULL);
}

/* --- entity tags --- */

/* One of a list of tags, or "*"; weak ones count, as RFC 9110 has it for If-None-Match. */
static bool tag_listed(const char *list, const char *tag)
{
    size_t len = strlen(tag);
    while (*list != '\0') {
        list += strspn(list, " \t,");
        if (strncmp(list, "W/", 2) == 0) {
            list += 2;
        }
        size_t item = strcspn(list, ",");
        size_t trimmed = item;
        while (trimmed > 0 && (list[trimmed - 1] == ' ' || list[trimmed - 1] == '\t')) {
            trimmed--;
        }
        if ((trimmed == 1 && list[0] == '*') ||
            (trimmed == len + 2 && list[0] == '"' && list[len + 1] == '"' &&
             memcmp(list + 1, tag, len) == 0)) {
            return true;
        }
        list += item;
    }
    return false;
}

static bool not_modified(const struct http_exchange *exchange, const struct http_response *given)
{
    const char *list = http_header(exchange, "If-None-Match");
    return given->etag != NULL && given->status == MHD_HTTP_OK && list != NULL &&
           exchange->request.method == HTTP_GET && tag_listed(list, given->etag);
}

static bool tag_add(struct MHD_Response *response, const char *tag)
{
    char quoted[HTTP_ETAG_BYTES + 2];
    if (tag == NULL) {
        return true;
    }
    int len = snprintf(quoted, sizeof quoted, "\"%s\"", tag);
    return len > 0 && (size_t)len < sizeof quoted && strchr(tag, '"') == NULL &&
           header_add(response, "ETag", quoted);
}

/* --- answers --- */

static void answered(struct http_exchange *exchange, unsigned status, struct MHD_Response *response)
{
    exchange->status = status;
    exchange->response = response;
    exchange->state = EXCHANGE_ANSWERED;
    exchange->server->answered_count++;
    http_deadline_request(exchange->server, exchange->connection);
    http_exchange_forget(exchange);
}

/* An answer without a body, for what cannot be made; NULL: not even that. */
static struct MHD_Response *bare_response(const struct http_exchange *exchange,
                                          const struct http_response *given)
{
    struct MHD_Response *response = response_new(exchange->server, span_of(NULL, 0));
    if (response != NULL && !(always_add(exchange, response) && given_add(response, given))) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

static void answer_make(struct http_exchange *exchange, const struct http_response *given)
{
    static const struct http_response broken = {.status = MHD_HTTP_INTERNAL_SERVER_ERROR};
    static const struct http_response busy = {.status = MHD_HTTP_SERVICE_UNAVAILABLE,
                                              .retry_after_s = 10};
    bool crowded = !has_room(exchange->server, given->body);
    bool unchanged = not_modified(exchange, given);
    unsigned status = unchanged ? MHD_HTTP_NOT_MODIFIED : given->status;
    struct http_response sent = *given;
    if (unchanged) {
        sent.body = span_of(NULL, 0);
    }
    struct MHD_Response *response = response_new(exchange->server, sent.body);
    if (response != NULL && !(always_add(exchange, response) && given_add(response, &sent) &&
                              tag_add(response, sent.etag))) {
        MHD_destroy_response(response);
        response = NULL;
    }
    if (response == NULL) {
        status = crowded ? busy.status : broken.status;
        response = bare_response(exchange, crowded ? &busy : &broken);
    }
    answered(exchange, status, response);
}

static void waiting_remove(struct http_exchange *exchange)
{
    if (exchange->prev != NULL) {
        exchange->prev->next = exchange->next;
    } else {
        exchange->server->waiting = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->prev = exchange->prev;
    }
}

void http_answer(struct http_exchange *exchange, const struct http_response *response)
{
    assert(exchange->state == EXCHANGE_WAITING);
    assert(response->status >= 200);
    assert(response->status <= 599);
    waiting_remove(exchange);
    answer_make(exchange, response);
    if (!exchange->handling) {
        MHD_resume_connection(exchange->mhd);
        http_run_soon(exchange->server); /* it wakes nobody without a thread of its own */
    }
}

void http_refuse(struct http_exchange *exchange, unsigned status)
{
    const struct http_options *options = &exchange->server->options;
    struct buf page;
    buf_init(&page, LIMIT_WEB_REFUSAL_BYTES);
    if (options->refusal != NULL) {
        options->refusal(options->ctx, status, &page);
    }
    struct http_response given = {
        .status = status,
        .retry_after_s = status == MHD_HTTP_SERVICE_UNAVAILABLE ? RETRY_S : 0,
        .body = span_buf(&page),
    };
    const char *allow = exchange->request.method == HTTP_POST ? "GET, HEAD" : "GET, HEAD, POST";
    answer_make(exchange, &given);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED && exchange->response != NULL) {
        (void)header_add(exchange->response, "Allow", allow); /* a known good value */
    }
    buf_free(&page);
}
