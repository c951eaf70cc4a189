/* What the agencies countersigned, handed on to each other: by these an agency sees that all are
 * shown one log. The newest of each but the one that asks, of the log that is written now, with the
 * proof that it is a beginning of the log of the reply. Loop thread, after the commit. */
#include <string.h>

#include "broker/turn.h"
#include "store/witness.h"
#include "wire/checkpoint.h"

struct filling {
    struct turn *turn;
    struct store_txn *read;
    uint64_t size; /* of the reply's checkpoint */
    struct cosignature *list;
    size_t count;
};

static enum err prove(struct filling *filling, struct cosignature *cosignature)
{
    struct merkle_path path = {.count = 0};
    struct digest *hashes;
    enum err error = OK;

    if (cosignature->seen.size < filling->size) {
        error = audit_consistency(filling->read, cosignature->seen.size, filling->size, &path);
    }
    if (error != OK) {
        return error;
    }
    hashes = region_take(&filling->turn->region, (path.count + 1) * sizeof(*hashes));
    if (hashes == NULL) {
        return ERR_MEMORY;
    }
    memcpy(hashes, path.hashes, path.count * sizeof(*hashes));
    cosignature->consistency = hashes;
    cosignature->consistency_count = path.count;
    return OK;
}

static enum err add(struct filling *filling, const struct witness_row *row)
{
    const struct broker *broker = filling->turn->broker;
    const struct agency *agency = registry_by_number(broker->setup.registry, row->agency);
    struct cosignature *cosignature = &filling->list[filling->count];
    struct cosigned_note note;

    if (agency == NULL || row->size == 0 || row->size > filling->size ||
        cosigned_note_read(row->note, &note) != OK ||
        strcmp(note.seen.origin, broker->origin) != 0) {
        return OK; /* of the log before the last recovery, or of an agency that is no more */
    }
    memset(cosignature, 0, sizeof(*cosignature));
    text_copy(cosignature->agency, sizeof(cosignature->agency), agency->id);
    cosignature->seen.size = note.seen.size;
    cosignature->seen.root = note.seen.root;
    cosignature->seen.key = note.key;
    memcpy(cosignature->seen.signature, note.signature, SIGNATURE_BYTES);
    filling->count++;
    return prove(filling, cosignature);
}

enum err cosignatures_fill(struct turn *turn, struct store_txn *read, uint64_t size,
                           struct answer *answer)
{
    struct filling filling = {.turn = turn, .read = read, .size = size};
    struct witness_row row;
    enum err error = OK;

    filling.list = region_take(&turn->region, LIMIT_COSIGNATURES * sizeof(*filling.list));
    if (filling.list == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t number = 0; error == OK && filling.count < LIMIT_COSIGNATURES;
         number = row.agency + 1u) {
        error = witness_next(read, number, &row);
        if (error == OK && row.agency != answer->asks) {
            error = add(&filling, &row);
        }
    }
    answer->head.witness.cosignatures = filling.list;
    answer->head.witness.cosignature_count = filling.count;
    return error == ERR_NOT_FOUND ? OK : error;
}
