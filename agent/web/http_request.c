/* A request on its way in. libmicrohttpd calls three times: with the request line, with the headers
 * and each piece of the body, and at the end; after a later answer once more. What is refused is
 * found out as early as possible and answered at the end of the body, which is thrown away, so
 * that a browser sees the answer; a body that is too long even for that ends the connection. */
#include "agent/web/http_parts.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "io/clock.h"

#define BODY_FIRST_BYTES 4096u

/* --- what a handler may ask --- */

static const char *field_find(const struct http_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return fields[i].value;
        }
    }
    return NULL;
}

const char *http_query(const struct http_request *request, const char *name)
{
    return field_find(request->query, request->query_count, name);
}

const char *http_form(const struct http_request *request, const char *name)
{
    return field_find(request->form, request->form_count, name);
}

const char *http_cookie(const struct http_request *request, const char *name)
{
    return field_find(request->cookies, request->cookie_count, name);
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    const char *value = MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
    return value != NULL && utf8_valid(span_text(value)) ? value : NULL;
}

/* --- deadlines --- */

void http_deadline_head(const struct http_server *server, struct http_connection *connection)
{
    /* As long as it may be idle, and as long again for the headers. */
    connection->deadline_ms = clock_machine_ms() + (uint64_t)server->options.idle_s * 2000;
}

void http_deadline_request(const struct http_server *server, struct http_connection *connection)
{
    connection->deadline_ms = clock_machine_ms() + (uint64_t)server->options.request_s * 1000;
}

/* --- life --- */

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* NULL makes the request callback close the connection. */
void *http_target_cb(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    struct http_connection *connection = connection_of(mhd);
    if (exchange == NULL || connection == NULL) {
        free(exchange);
        return NULL;
    }
    exchange->server = cls;
    exchange->mhd = mhd;
    exchange->connection = connection;
    exchange->target_bytes = target == NULL ? 0 : strlen(target) + 1;
    if (target != NULL && strlen(target) <= LIMIT_WEB_TARGET_BYTES) {
        exchange->target = strdup(target);
        if (exchange->target == NULL) {
            free(exchange);
            return NULL;
        }
    }
    return exchange;
}

static void text_wipe(char *text, size_t size)
{
    if (text != NULL) {
        crypto_wipe(text, size);
        free(text);
    }
}

static void body_drop(struct http_exchange *exchange)
{
    if (exchange->body != NULL) {
        crypto_wipe(exchange->body, exchange->body_room + 1);
        free(exchange->body);
        exchange->server->bodies_bytes -= exchange->body_room;
    }
    exchange->body = NULL;
    exchange->body_len = 0;
    exchange->body_room = 0;
}

void http_exchange_forget(struct http_exchange *exchange)
{
    body_drop(exchange);
    text_wipe(exchange->target, exchange->target_bytes);
    text_wipe(exchange->cookie, exchange->cookie_bytes);
    exchange->target = NULL;
    exchange->cookie = NULL;
    http_form_free(&exchange->query);
    http_form_free(&exchange->form);
    http_form_free(&exchange->cookies);
    exchange->request = (struct http_request){0};
}

void http_completed_cb(void *cls, struct MHD_Connection *mhd, void **ctx,
                       enum MHD_RequestTerminationCode how)
{
    struct http_exchange *exchange = *ctx;
    struct http_server *server = cls;
    (void)mhd;
    (void)how; /* nobody is told whether an answer arrived */
    if (exchange == NULL) {
        return;
    }
    /* What waits is suspended, and libmicrohttpd leaves suspended connections alone. */
    assert(exchange->state != EXCHANGE_WAITING);
    if (exchange->state == EXCHANGE_ANSWERED) {
        server->answered_count--;
    }
    http_deadline_head(server, exchange->connection);
    exchange->connection->reading = true;
    http_exchange_forget(exchange);
    if (exchange->response != NULL) {
        MHD_destroy_response(exchange->response);
    }
    free(exchange);
    *ctx = NULL;
}

/* --- the headers --- */

struct head {
    unsigned host_count, cookie_count, length_count, encoding_count, type_count;
    bool malformed;
    bool chunked;
};

static bool is_token(const char *name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

static bool is_value(const char *value)
{
    for (; *value != '\0'; value++) {
        if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f) {
            return false;
        }
    }
    return true;
}

static enum MHD_Result header_cb(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct head *head = cls;
    const struct {
        const char *name;
        unsigned *count;
    } counted[] = {
        {"Host", &head->host_count},
        {"Cookie", &head->cookie_count},
        {"Content-Length", &head->length_count},
        {"Transfer-Encoding", &head->encoding_count},
        {"Content-Type", &head->type_count},
    };
    (void)kind;
    value = value == NULL ? "" : value;
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        *counted[i].count += strcasecmp(name, counted[i].name) == 0 ? 1 : 0;
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        head->chunked = strcasecmp(value, "chunked") == 0;
    }
    head->malformed = head->malformed || !is_token(name) || !is_value(value);
    return MHD_YES;
}

/* Are the borders of this request beyond doubt? Whatever two programs may read differently ends
 * the connection, so that nothing is smuggled past a proxy. */
static bool head_is_clear(const struct http_exchange *exchange, struct head *head)
{
    (void)MHD_get_connection_values(exchange->mhd, MHD_HEADER_KIND, header_cb, head);
    bool lengths = head->length_count + head->encoding_count <= 1;
    bool encoding = head->encoding_count == 0 || head->chunked;
    return !head->malformed && lengths && encoding && head->host_count == 1 &&
           head->cookie_count <= 1 && head->type_count <= 1;
}

static void peer_format(struct http_exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
    if (address != NULL && address->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, address, sizeof four);
        (void)inet_ntop(AF_INET, &four.sin_addr, exchange->peer, sizeof exchange->peer);
    } else if (address != NULL && address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof six);
        (void)inet_ntop(AF_INET6, &six.sin6_addr, exchange->peer, sizeof exchange->peer);
    }
}

static unsigned status_of(enum err error)
{
    switch (error) {
    case OK:
        return 0;
    case ERR_TOO_LARGE:
        return MHD_HTTP_CONTENT_TOO_LARGE;
    case ERR_MEMORY:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    default:
        return MHD_HTTP_BAD_REQUEST;
    }
}

/* Path, query and cookies. 0, or the status of the refusal. */
static unsigned target_read(struct http_exchange *exchange)
{
    struct http_request *request = &exchange->request;
    if (exchange->target == NULL) {
        return MHD_HTTP_URI_TOO_LONG;
    }
    if (strchr(exchange->target, '#') != NULL) {
        return MHD_HTTP_BAD_REQUEST;
    }
    char *query = strchr(exchange->target, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    enum err error = http_path_decode(exchange->target);
    if (error == OK && query != NULL) {
        error = http_form_urlencoded(&exchange->query, query, strlen(query));
    }
    const char *cookie = MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, "Cookie");
    if (error == OK && cookie != NULL) {
        exchange->cookie_bytes = strlen(cookie) + 1;
        exchange->cookie = strdup(cookie);
        error = exchange->cookie == NULL ? ERR_MEMORY
                                         : http_form_cookies(&exchange->cookies, exchange->cookie);
    }
    request->path = exchange->target;
    request->peer = exchange->peer;
    request->secure = exchange->server->secure;
    request->query = exchange->query.fields;
    request->query_count = exchange->query.field_count;
    request->cookies = exchange->cookies.fields;
    request->cookie_count = exchange->cookies.field_count;
    return status_of(error);
}

/* The Content-Length; UINT64_MAX when the body is in chunks. libmicrohttpd has checked its form. */
static uint64_t length_announced(const struct http_exchange *exchange, const struct head *head)
{
    const char *text =
        MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, "Content-Length");
    uint64_t length = head->encoding_count > 0 ? UINT64_MAX : 0;
    while (length != UINT64_MAX && text != NULL && *text >= '0' && *text <= '9') {
        length = length > UINT64_MAX / 16 ? UINT64_MAX : length * 10 + (uint64_t)(*text++ - '0');
    }
    return length;
}

/* May this request have this body? Sets how large it may become. */
static unsigned body_judge(struct http_exchange *exchange, uint64_t announced)
{
    const struct http_options *options = &exchange->server->options;
    const struct http_request *request = &exchange->request;
    if (request->method == HTTP_GET) {
        return announced == 0 ? 0 : MHD_HTTP_BAD_REQUEST;
    }
    exchange->kind = http_body_kind_of(http_header(exchange, "Content-Type"));
    exchange->body_max = options->body_max == NULL ? 0 : options->body_max(options->ctx, request);
    if (exchange->body_max == 0) {
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    if (exchange->kind == HTTP_BODY_URLENCODED && exchange->body_max > LIMIT_WEB_FORM_BYTES) {
        exchange->body_max = LIMIT_WEB_FORM_BYTES;
    }
    bool fits = announced == UINT64_MAX || announced <= exchange->body_max;
    return fits ? 0 : MHD_HTTP_CONTENT_TOO_LARGE;
}

static bool method_read(struct http_exchange *exchange, const char *method)
{
    if (strcmp(method, "POST") == 0) {
        exchange->request.method = HTTP_POST;
        return true;
    }
    exchange->request.method = HTTP_GET;
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static enum MHD_Result refuse_now(struct http_exchange *exchange)
{
    exchange->connection->reading = false;
    http_refuse(exchange, exchange->refused);
    if (exchange->response == NULL) {
        return MHD_NO;
    }
    return MHD_queue_response(exchange->mhd, exchange->status, exchange->response);
}

/* A version that we know, right behind the target: libmicrohttpd puts its NUL between them, so that
 * a target with a NUL of its own is longer than its text. */
static bool line_is_clear(const struct http_exchange *exchange, const char *url,
                          const char *version)
{
    bool known = strcmp(version, "HTTP/1.1") == 0 || strcmp(version, "HTTP/1.0") == 0;
    return known && exchange->target_bytes > 0 && version == url + exchange->target_bytes;
}

/* The headers are here. A refusal is answered at once, and ends the connection, when the client
 * waits for our word before it sends its body, or when the body's end is in doubt or far. */
static enum MHD_Result headers_arrived(struct http_exchange *exchange, const char *method,
                                       bool line_clear)
{
    struct head head = {0};
    http_deadline_request(exchange->server, exchange->connection);
    exchange->state = EXCHANGE_READING;
    peer_format(exchange);
    exchange->cut = !line_clear || !head_is_clear(exchange, &head);
    uint64_t announced = length_announced(exchange, &head);
    if (exchange->cut) {
        exchange->refused = MHD_HTTP_BAD_REQUEST;
    } else if (!method_read(exchange, method)) {
        exchange->refused = MHD_HTTP_METHOD_NOT_ALLOWED;
    } else {
        exchange->refused = target_read(exchange);
    }
    if (exchange->refused == 0) {
        exchange->refused = body_judge(exchange, announced);
    }
    bool far = announced != UINT64_MAX && announced > LIMIT_WEB_DISCARD_BYTES;
    bool asks = announced > 0 && http_header(exchange, "Expect") != NULL;
    if (exchange->refused != 0 && (exchange->cut || far || asks)) {
        exchange->cut = true;
        return refuse_now(exchange);
    }
    return MHD_YES;
}

/* --- the body --- */

/* Room for `more` bytes and one beyond. The old memory is wiped: it holds what the new one does. */
static enum err body_grow(struct http_exchange *exchange, size_t more)
{
    struct http_server *server = exchange->server;
    size_t wanted = exchange->body_len + more;
    if (more > exchange->body_max - exchange->body_len) {
        return ERR_TOO_LARGE;
    }
    if (wanted <= exchange->body_room) {
        return OK;
    }
    size_t room = exchange->body_room * 2;
    room = room < BODY_FIRST_BYTES ? BODY_FIRST_BYTES : room;
    room = room < wanted ? wanted : room;
    room = room > exchange->body_max ? exchange->body_max : room;
    if (room - exchange->body_room > LIMIT_WEB_BODIES_BYTES - server->bodies_bytes) {
        return ERR_MEMORY;
    }
    uint8_t *body = malloc(room + 1);
    if (body == NULL) {
        return ERR_MEMORY;
    }
    size_t len = exchange->body_len;
    if (len > 0) {
        memcpy(body, exchange->body, len);
    }
    body_drop(exchange);
    server->bodies_bytes += room;
    exchange->body = body;
    exchange->body_len = len;
    exchange->body_room = room;
    return OK;
}

/* MHD_NO: even throwing it away has taken too long. */
static enum MHD_Result body_take(struct http_exchange *exchange, const char *piece, size_t len)
{
    if (exchange->refused == 0) {
        exchange->refused = status_of(body_grow(exchange, len));
    }
    if (exchange->refused == 0) {
        memcpy(exchange->body + exchange->body_len, piece, len);
        exchange->body_len += len;
        return MHD_YES;
    }
    body_drop(exchange);
    exchange->discarded += len;
    return exchange->discarded > LIMIT_WEB_DISCARD_BYTES ? MHD_NO : MHD_YES;
}

static enum err form_read(struct http_exchange *exchange)
{
    struct http_request *request = &exchange->request;
    char *body = (char *)exchange->body;
    enum err error = OK;
    if (exchange->kind == HTTP_BODY_RAW) {
        request->body = span_of(exchange->body, exchange->body_len);
    } else if (exchange->kind == HTTP_BODY_URLENCODED) {
        error = http_form_urlencoded(&exchange->form, body, exchange->body_len);
    } else if (body == NULL) {
        error = ERR_INVALID; /* multipart has at least its end */
    } else {
        error = http_form_multipart(&exchange->form, http_header(exchange, "Content-Type"), body,
                                    exchange->body_len);
    }
    request->form = exchange->form.fields;
    request->form_count = exchange->form.field_count;
    request->uploads = exchange->form.uploads;
    request->upload_count = exchange->form.upload_count;
    return error;
}

static void waiting_push(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    exchange->state = EXCHANGE_WAITING;
    exchange->next = server->waiting;
    if (exchange->next != NULL) {
        exchange->next->prev = exchange;
    }
    server->waiting = exchange;
}

static enum MHD_Result answer_send(struct http_exchange *exchange)
{
    if (exchange->response == NULL) {
        return MHD_NO;
    }
    return MHD_queue_response(exchange->mhd, exchange->status, exchange->response);
}

/* All is here: hands it out, or refuses it. */
static enum MHD_Result request_ended(struct http_exchange *exchange)
{
    const struct http_options *options = &exchange->server->options;
    if (exchange->refused == 0) {
        exchange->refused = status_of(form_read(exchange));
    }
    if (exchange->refused != 0) {
        return refuse_now(exchange);
    }
    waiting_push(exchange);
    exchange->connection->reading = false;
    exchange->handling = true;
    options->handle(options->ctx, exchange, &exchange->request);
    exchange->handling = false;
    if (exchange->state == EXCHANGE_ANSWERED) {
        return answer_send(exchange);
    }
    exchange->connection->deadline_ms = UINT64_MAX;
    MHD_suspend_connection(exchange->mhd);
    return MHD_YES;
}

enum MHD_Result http_request_cb(void *cls, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **ctx)
{
    struct http_exchange *exchange = *ctx;
    size_t len = *upload_len;
    (void)cls;
    (void)mhd;
    if (exchange == NULL) {
        return MHD_NO;
    }
    switch (exchange->state) {
    case EXCHANGE_BEGUN:
        return headers_arrived(exchange, method, line_is_clear(exchange, url, version));
    case EXCHANGE_READING:
        *upload_len = 0;
        return len > 0 ? body_take(exchange, upload, len) : request_ended(exchange);
    case EXCHANGE_ANSWERED:
        return answer_send(exchange);
    case EXCHANGE_WAITING:
        break;
    }
    assert(!"a suspended request goes on without its answer");
    return MHD_NO;
}
