/* See web.h. One easy handle a request: notices are few, and a handle that is made anew remembers
 * nothing. */
#include "agent/notice/web.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS       10000
#define ANSWER_BYTES_MAX 65536u /* more is no answer of a robot */

struct exchange {
    const struct web_request *request;
    struct web_answer *answer;
    size_t sent;     /* of a mail's body */
    size_t received; /* of the answer, kept or not */
};

enum err web_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? OK : ERR_IO;
}

static size_t write_cb(char *data, size_t size, size_t count, void *ctx)
{
    struct exchange *exchange = ctx;
    struct web_answer *answer = exchange->answer;
    size_t len = size * count, room = sizeof(answer->body) - 1 - answer->len;

    exchange->received += len;
    if (exchange->received > ANSWER_BYTES_MAX) {
        return 0;
    }
    memcpy(answer->body + answer->len, data, len < room ? len : room);
    answer->len += len < room ? len : room;
    answer->body[answer->len] = '\0';
    return len;
}

static size_t read_cb(char *to, size_t size, size_t count, void *ctx)
{
    struct exchange *exchange = ctx;
    size_t left = exchange->request->body.len - exchange->sent, len = size * count;

    if (len > left) {
        len = left;
    }
    memcpy(to, exchange->request->body.data + exchange->sent, len);
    exchange->sent += len;
    return len;
}

static int progress_cb(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now)
{
    const struct exchange *exchange = ctx;

    (void)total;
    (void)now;
    (void)up_total;
    (void)up_now;
    return atomic_load(exchange->request->stop) ? 1 : 0;
}

static bool is_mail(const struct web_request *request)
{
    return request->from != NULL;
}

/* Options that cannot fail but for want of memory: then the request fails by itself. */
static void set_common(CURL *curl, struct exchange *exchange, char *errors)
{
    const struct web_request *request = exchange->request;
    long timeout_ms = (long)request->timeout_ms;

    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, errors);
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, request->proxy); /* "": none, whatever is set */
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                           timeout_ms < CONNECT_MS ? timeout_ms : (long)CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write_cb);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress_cb);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
    if (request->authority[0] != '\0') {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, request->authority);
        (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* that one and no other */
    }
    if (request->user[0] != '\0') {
        (void)curl_easy_setopt(curl, CURLOPT_USERNAME, request->user);
        (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, request->password);
    }
}

static CURLcode set_mail(CURL *curl, struct exchange *exchange, struct curl_slist *recipients)
{
    (void)curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_FROM, exchange->request->from);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_cb);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
}

static CURLcode set_post(CURL *curl, struct exchange *exchange, struct curl_slist *headers)
{
    const struct web_request *request = exchange->request;

    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)request->body.data);
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
}

static enum err error_of(CURLcode code, const struct web_request *request)
{
    switch (code) {
    case CURLE_OK:
        return OK;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_ABORTED_BY_CALLBACK:
        return ERR_CLOSED;
    case CURLE_OUT_OF_MEMORY:
        return ERR_MEMORY;
    case CURLE_PEER_FAILED_VERIFICATION:
        return ERR_FORGED;
    default:
        return atomic_load(request->stop) ? ERR_CLOSED : ERR_UNREACHABLE;
    }
}

static void take_answer(CURL *curl, CURLcode code, const struct exchange *exchange,
                        const char *errors)
{
    struct web_answer *answer = exchange->answer;
    curl_off_t seconds = 0;

    answer->error = error_of(code, exchange->request);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->code);
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0) {
        answer->retry_after_ms = (uint64_t)seconds * 1000;
    }
    if (code != CURLE_OK) {
        text_copy(answer->reason, sizeof(answer->reason),
                  errors[0] != '\0' ? errors : curl_easy_strerror(code));
        answer->recipient_refused =
            is_mail(exchange->request) && strncmp(answer->reason, "RCPT failed: 5", 14) == 0;
    }
}

/* Headers of a POST, or the recipient of a mail. NULL for want of memory. */
static struct curl_slist *list_of(const struct web_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, is_mail(request) ? request->to : "Expect:");

    for (size_t i = 0; list != NULL && !is_mail(request) && request->headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(list, request->headers[i]);

        if (longer == NULL) {
            curl_slist_free_all(list);
        }
        list = longer;
    }
    return list;
}

void web_perform(const struct web_request *request, struct web_answer *ret_answer)
{
    struct exchange exchange = {.request = request, .answer = ret_answer};
    char errors[CURL_ERROR_SIZE] = "";
    struct curl_slist *list = list_of(request);
    CURL *curl = curl_easy_init();

    memset(ret_answer, 0, sizeof(*ret_answer));
    if (curl == NULL || list == NULL) {
        ret_answer->error = ERR_MEMORY;
        (void)snprintf(ret_answer->reason, sizeof(ret_answer->reason), "no memory");
    } else {
        CURLcode code;

        set_common(curl, &exchange, errors);
        code = is_mail(request) ? set_mail(curl, &exchange, list) : set_post(curl, &exchange, list);
        if (code == CURLE_OK) { /* never without its bound of protocols */
            code = curl_easy_setopt(curl, CURLOPT_URL, request->url);
        }
        if (code == CURLE_OK) {
            code = curl_easy_perform(curl);
        }
        take_answer(curl, code, &exchange, errors);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(list);
}
