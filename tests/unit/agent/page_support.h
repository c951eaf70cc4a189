/* For suites of pages: one officer before one agent's pages, without a server and a browser. What a
 * page would answer is taken from http_answer (the linker wraps it). One visit at a time; all that
 * is here is opened by visit_open. */
#ifndef REFERRAL_TESTS_PAGE_SUPPORT_H
#define REFERRAL_TESTS_PAGE_SUPPORT_H

#include "agent/web/web_parts.h"
#include "agent_support.h"

#define FIELDS_OF_TEST 64u

struct answer { /* the last one */
    unsigned status;
    char location[128], type[64], disposition[512];
    struct buf body; /* with a NUL */
};

extern struct realm realm;
extern struct desk desk;
extern struct web web;
extern struct officer officer; /* gaowa, who may send */
extern struct session *session;
extern char cookie_value[SESSION_TOKEN_BYTES];
extern struct answer got;
extern struct http_field posted[FIELDS_OF_TEST]; /* of the next post */
extern size_t posted_count;

void visit_open(const char *agency);
void visit_close(void);
/* One request of the session's officer; the page must answer. */
void visit(const struct http_request *asked, const char *tail, void (*show)(struct page *page));
/* The next post holds this field. */
void type(const char *name, const char *value);
/* A whole outbound referral to education and civil affairs. */
void type_referral(void);
/* Does the last answer hold this text? */
bool says(const char *text);

#endif
