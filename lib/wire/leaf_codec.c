/* The records of the audit log: the table of struct leaf_record. */
#include <assert.h>

#include "audit.pb-c.h"
#include "wire/key_statement.h"
#include "wire/recovery.h"
#include "wire/tables.h"

static const struct bind stream_binds[] = {
    NUMBER(1, struct leaf_stream, lane),
    NUMBER(2, struct leaf_stream, seq),
    FIXED(3, struct leaf_stream, previous),
};
static const struct bind_table stream_table =
    TABLE(&referral__v1__stream__descriptor, struct leaf_stream, stream_binds);

static const struct bind window_binds[] = {
    NUMBER(1, struct leaf_window, task),
    NUMBER(2, struct leaf_window, number),
    TEXT(3, struct leaf_window, holder),
    NUMBER(4, struct leaf_window, arrival_ms),
    NUMBER(5, struct leaf_window, working_days),
    NUMBER(6, struct leaf_window, due_before_ms),
    NUMBER(7, struct leaf_window, provisional),
    TEXT(8, struct leaf_window, calendar_version),
    NUMBER(9, struct leaf_window, old_due_before_ms),
    NUMBER(10, struct leaf_window, agent_received_ms),
    NUMBER(11, struct leaf_window, late),
    NUMBER(12, struct leaf_window, lateness_days),
    NUMBER(13, struct leaf_window, outcome),
    TEXT(14, struct leaf_window, annotated),
    TEXT(15, struct leaf_window, reason),
};
static const struct bind_table window_table =
    TABLE(&referral__v1__window__descriptor, struct leaf_window, window_binds);

static const struct bind rung_binds[] = {
    NUMBER(1, struct leaf_rung, task),
    NUMBER(2, struct leaf_rung, window),
    TEXT(3, struct leaf_rung, rung),
    NUMBER(4, struct leaf_rung, fell_due_ms),
    TEXT(5, struct leaf_rung, document_number),
    TEXT(6, struct leaf_rung, responsible),
};
static const struct bind_table rung_table =
    TABLE(&referral__v1__rung__descriptor, struct leaf_rung, rung_binds);

static const struct bind clock_binds[] = {
    NUMBER(1, struct leaf_clock, event),     NUMBER(2, struct leaf_clock, wall_ms),
    NUMBER(3, struct leaf_clock, broker_ms), NUMBER(4, struct leaf_clock, departure_ms),
    NUMBER(5, struct leaf_clock, from_ms),   NUMBER(6, struct leaf_clock, to_ms),
    TEXT(7, struct leaf_clock, by),
};
static const struct bind_table clock_table =
    TABLE(&referral__v1__clock__descriptor, struct leaf_clock, clock_binds);

static const struct bind configuration_binds[] = {
    ID(1, struct leaf_configuration, registry),
    ID(2, struct leaf_configuration, keys),
    ID(3, struct leaf_configuration, policy),
    TEXT(4, struct leaf_configuration, calendar_version),
    ID(5, struct leaf_configuration, calendar),
    TEXT(6, struct leaf_configuration, software),
    NUMBER(7, struct leaf_configuration, registry_version),
    ID(8, struct leaf_configuration, registry_document),
};
static const struct bind_table configuration_table =
    TABLE(&referral__v1__configuration__descriptor, struct leaf_configuration, configuration_binds);

static const struct bind command_binds[] = {
    TEXT(1, struct leaf_command, name),
    NUMBER(2, struct leaf_command, uid),
    TEXT(3, struct leaf_command, role),
    TEXT(4, struct leaf_command, about),
};
static const struct bind_table command_table =
    TABLE(&referral__v1__command__descriptor, struct leaf_command, command_binds);

static const struct bind recovered_binds[] = {
    NUMBER(1, struct leaf_recovered, log),   NUMBER(2, struct leaf_recovered, leaf),
    NUMBER(3, struct leaf_recovered, at_ms), NUMBER(4, struct leaf_recovered, late),
    NUMBER(5, struct leaf_recovered, code),
};
static const struct bind_table recovered_table =
    TABLE(&referral__v1__recovered__descriptor, struct leaf_recovered, recovered_binds);

static const struct bind signed_recovery_binds[] = {
    SPAN(1, struct signed_recovery, statement, RECOVERY_STATEMENT_BYTES),
    FIXED(2, struct signed_recovery, key),
    FIXED(3, struct signed_recovery, signature),
};
const struct bind_table signed_recovery_table = TABLE(
    &referral__v1__signed_recovery__descriptor, struct signed_recovery, signed_recovery_binds);

static const struct bind gap_binds[] = {
    NUMBER(1, struct leaf_gap, log),
    NUMBER(2, struct leaf_gap, from),
    NUMBER(3, struct leaf_gap, to),
    NUMBER(4, struct leaf_gap, handed_back),
    NUMBER(5, struct leaf_gap, applied),
    NUMBER(6, struct leaf_gap, kept),
    NUMBER(7, struct leaf_gap, notices_left),
    NUMBER(8, struct leaf_gap, missing),
    NUMBERS(9, struct leaf_gap, ranges, range_count, LEAF_GAP_RANGES),
    TEXT(10, struct leaf_gap, without),
};
static const struct bind_table gap_table =
    TABLE(&referral__v1__gap__descriptor, struct leaf_gap, gap_binds);

static const struct bind record_binds[] = {
    NUMBER(1, struct leaf_record, version),
    NUMBER(2, struct leaf_record, kind),
    NUMBER(3, struct leaf_record, at_ms),
    TEXT(4, struct leaf_record, actor),
    ID(5, struct leaf_record, message_id),
    ID(6, struct leaf_record, message_digest),
    ID(7, struct leaf_record, case_id),
    ID(8, struct leaf_record, referral_id),
    NUMBER(9, struct leaf_record, message_kind),
    TEXT(10, struct leaf_record, recipient),
    ONE(11, struct leaf_record, stream, has_stream, &stream_table),
    NUMBER(12, struct leaf_record, refusal),
    TEXT(13, struct leaf_record, detail),
    NUMBER(14, struct leaf_record, claimed_ms),
    ONE(15, struct leaf_record, window, has_window, &window_table),
    ONE(16, struct leaf_record, rung, has_rung, &rung_table),
    ONE(17, struct leaf_record, clock, has_clock, &clock_table),
    ONE(18, struct leaf_record, configuration, has_configuration, &configuration_table),
    NUMBER(19, struct leaf_record, count),
    TEXT(20, struct leaf_record, referral_number),
    ONE(21, struct leaf_record, command, has_command, &command_table),
    ONE(22, struct leaf_record, recovered, has_recovered, &recovered_table),
    ONE(23, struct leaf_record, recovery, has_recovery, &signed_recovery_table),
    ONE(24, struct leaf_record, gap, has_gap, &gap_table),
    SPAN(25, struct leaf_record, key_statement, KEY_STATEMENT_BYTES),
};
static const struct bind_table record_table =
    TABLE(&referral__v1__leaf_record__descriptor, struct leaf_record, record_binds);

enum err leaf_record_decode(struct span bytes, struct region *region,
                            struct leaf_record *ret_record, struct fault *fault)
{
    assert(ret_record != NULL);
    struct leaf_record record;
    struct bind_target target = {
        .region = region, .structure = &record, .max_fields = LIMIT_FIELD_COUNT};
    enum err error = bind_decode(&record_table, bytes, &target, fault);
    if (error != OK) {
        return error;
    }
    if (record.version != WIRE_VERSION) {
        fault_set(fault, "wire.value", "version", "must be %u", WIRE_VERSION);
        return ERR_VERSION;
    }
    *ret_record = record;
    return OK;
}

enum err leaf_record_encode(const struct leaf_record *record, struct buf *out)
{
    return bind_encode(&record_table, record, 0, out);
}
