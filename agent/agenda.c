/* The agenda of the next joint meeting (Art. 13; domain section 5): what the policy's ladder puts
 * on it stands here from the broker's escalation to the office until the document is resolved, and
 * a meeting notice whose file names no agenda gets it. Of the office's agent only: no other is
 * told.
 *
 * STORE_INDEX: 'G' | number of the document -> number of the referral or matter. */
#include <string.h>

#include "agent/state.h"
#include "model/vocabulary.h"

#define AGENDA_KEY_BYTES (1u + LIMIT_NUMBER_BYTES)

static struct span agenda_key(const char *document, uint8_t out[AGENDA_KEY_BYTES])
{
    struct span number = span_text(document);

    out[0] = 'G';
    memcpy(out + 1, number.data, number.len);
    return span_of(out, 1 + number.len);
}

static bool belongs(const struct agent *agent, const struct notice_facts *facts)
{
    enum rung rung;

    return (facts->roles & ROLE_OFFICE) != 0 && rung_parse(facts->rung, &rung) == OK &&
           (agent->setup.policy->ladder.rungs[rung].targets & TARGET_AGENDA) != 0;
}

enum err agenda_follow(struct agent *agent, struct store_txn *txn, const struct message *notice)
{
    const struct notice_facts *facts = &notice->notice;
    uint8_t key[AGENDA_KEY_BYTES];
    enum err error;

    if (facts->document_number[0] == '\0') {
        return OK;
    }
    if (notice->header.kind == MESSAGE_ESCALATION && belongs(agent, facts)) {
        return store_put(txn, STORE_INDEX, agenda_key(facts->document_number, key),
                         span_text(notice->header.referral_number));
    }
    if (notice->header.kind != MESSAGE_RESOLVED) {
        return OK;
    }
    error = store_remove(txn, STORE_INDEX, agenda_key(facts->document_number, key));
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Once, however many documents there are of it. */
static void add_item(struct agenda_item *items, size_t *count, struct span number)
{
    if (number.len >= sizeof(items[0].number)) {
        return;
    }
    for (size_t i = 0; i < *count; i++) {
        if (strlen(items[i].number) == number.len &&
            memcmp(items[i].number, number.data, number.len) == 0) {
            return;
        }
    }
    memcpy(items[*count].number, number.data, number.len);
    items[*count].number[number.len] = '\0';
    items[*count].why = AGENDA_THIRD_RUNG;
    (*count)++;
}

enum err agenda_fill(struct store_txn *txn, struct region *region, struct meeting_facts *facts)
{
    struct agenda_item *items = region_take(region, LIMIT_AGENDA * sizeof(*items));
    struct store_cursor *cursor = NULL;
    struct span key, value;
    size_t count = 0;
    enum err error;

    if (items == NULL) {
        return ERR_MEMORY;
    }
    error = store_cursor_open(txn, STORE_INDEX, span_text("G"), &cursor);
    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    while (error == OK && count < LIMIT_AGENDA) {
        add_item(items, &count, value);
        error = store_cursor_next(cursor, &key, &value);
    }
    store_cursor_close(cursor);
    facts->agenda = items;
    facts->agenda_count = count;
    return error == ERR_NOT_FOUND ? OK : error;
}
