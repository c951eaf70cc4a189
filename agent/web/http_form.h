/* What a request is made of, taken apart: target, query, urlencoded and multipart bodies, cookies.
 *
 * Pure and strict: bytes in, texts out, ERR_INVALID for whatever is not exactly so. Everything is
 * decoded in place: the texts lie in the bytes that were given, which must therefore live as long,
 * and be writable for one byte beyond their end. Any thread. */
#ifndef REFERRAL_AGENT_WEB_HTTP_FORM_H
#define REFERRAL_AGENT_WEB_HTTP_FORM_H

#include "agent/web/http.h"

struct http_form {
    struct http_field *fields; /* owned; names and values borrowed from the bytes */
    size_t field_count;
    size_t field_room;
    struct http_upload *uploads; /* owned; likewise */
    size_t upload_count;
    size_t upload_room;
};

/* A zeroed form is empty. Frees the two lists; NULL allowed. */
void http_form_free(struct http_form *form);

enum http_body_kind { HTTP_BODY_RAW, HTTP_BODY_URLENCODED, HTTP_BODY_MULTIPART };
/* By the Content-Type of a request; NULL: raw. */
enum http_body_kind http_body_kind_of(const char *type);

/* Decodes a path. ERR_INVALID: does not begin with '/', half an escape, an escaped slash, a
 * backslash, a control character, no UTF-8, an empty part (a last one is allowed), "." or "..". */
enum err http_path_decode(char *path) MUST_CHECK;
/* a=1&b=2, with "+" for a blank; empty pieces are passed over. ERR_INVALID: half an escape, NUL, no
 * UTF-8, a value without a name. ERR_TOO_LARGE: over LIMIT_WEB_FIELDS, _NAME_ or _VALUE_BYTES.
 * ERR_MEMORY. */
enum err http_form_urlencoded(struct http_form *form, char *text, size_t len) MUST_CHECK;
/* multipart/form-data as browsers write it: no preamble, no epilogue, no nested parts, a name for
 * each. Errors as above; `type` is the Content-Type with the boundary. */
enum err http_form_multipart(struct http_form *form, const char *type, char *body,
                             size_t len) MUST_CHECK;
/* A Cookie header. What is malformed or over LIMIT_WEB_COOKIES is passed over: it may be another
 * program's on the same host. ERR_MEMORY. */
enum err http_form_cookies(struct http_form *form, char *text) MUST_CHECK;

#endif
