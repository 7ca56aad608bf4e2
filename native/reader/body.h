/* Where the parts of a getTransaction result lie in its JSON, found in one pass that makes no Python object.

   The fields and their types are those of transaction_json.py; 0 wherever the text is not so, or a field stands twice, or
   there is more of something than any transaction has. */

#ifndef OOF_BODY_H
#define OOF_BODY_H

#include "scan.h"

#define MAX_KEYS 256
#define MAX_CALLS 1024
#define MAX_SEATS 16384
#define MAX_BALANCES 256
#define MAX_MESSAGES 8192
#define MAX_NAMES 4096
#define MAX_WIRE_BYTES 4096
#define NONE -1

typedef struct {
    Span texts[MAX_KEYS];
    uint32_t count;
} Keys;

/* An instruction. `seats` begin at `first_seat`: indexes of keys, or -1 - n for the n-th name. NONE: it is not told. */
typedef struct {
    int64_t program_index;
    int64_t height;
    Span program, data;
    const char *parsed;
    int has_program, has_data;
    uint32_t first_seat, seat_count;
} Called;

typedef struct {
    uint64_t outer;
    uint32_t first, count;
} Group;

typedef struct {
    uint64_t key, decimals;
    Span mint, owner, program, amount;
} Held;

typedef struct {
    Held rows[MAX_BALANCES];
    uint32_t count;
} Holdings;

typedef struct {
    uint64_t lamports[MAX_BALANCES];
    uint32_t count;
} Lamports;

/* Numbers that may be null are NONE then. */
typedef struct {
    int64_t slot, block_time, tx_index, units, signer_count;
    uint64_t fee, signing_keys;
    int says_version_0, is_version_0, is_wire, has_meta, has_transaction;
    unsigned char wire[MAX_WIRE_BYTES + 8];
    const char *error;
    Span signature;
    Keys keys, writable, readonly;
    Called calls[MAX_CALLS];
    uint32_t call_count;
    Group outer;
    Group groups[MAX_KEYS];
    uint32_t group_count;
    int32_t seats[MAX_SEATS];
    uint32_t seat_count;
    Span names[MAX_NAMES];
    uint32_t name_count;
    Lamports pre, post;
    Holdings pre_tokens, post_tokens;
    Span messages[MAX_MESSAGES];
    uint32_t message_count;
} Body;

#define ONCE(bit)                  \
    do {                           \
        if (seen & (1u << (bit)))  \
            return 0;              \
        seen |= 1u << (bit);       \
    } while (0)

#define EACH_FIELD(scan)                                            \
    Span key;                                                       \
    int more, is_first = 1;                                         \
    unsigned seen = 0;                                              \
    if (!take(scan, '{'))                                           \
        return 0;                                                   \
    while ((more = next_key(scan, &key, &is_first)) > 0)

#define EACH_ELEMENT(scan)                                          \
    int more, is_first = 1;                                         \
    if (!take(scan, '['))                                           \
        return 0;                                                   \
    while ((more = next_element(scan, &is_first)) > 0)

/* What `call` reads, once; 0 where it cannot. */
#define FIELD(bit, call)                                            \
    do {                                                            \
        ONCE(bit);                                                  \
        if (!(call))                                                \
            return 0;                                               \
    } while (0)

static int take_optional_count(Scan *scan, int64_t *number) {
    uint64_t value;
    if (take_null(scan)) {
        *number = NONE;
        return 1;
    }
    if (!take_count(scan, &value) || value > INT64_MAX)
        return 0;
    *number = (int64_t)value;
    return 1;
}

static int take_optional_text(Scan *scan, Span *span) {
    span->size = 0;
    return take_null(scan) || take_plain(scan, span);
}

/* `at` is where a value begins that is made later on. */
static int take_any(Scan *scan, const char **at) {
    look(scan);
    *at = scan->at;
    return skip_value(scan, 0);
}

static int take_texts(Scan *scan, Keys *keys) {
    EACH_ELEMENT(scan) {
        if (keys->count == MAX_KEYS || !take_plain(scan, &keys->texts[keys->count++]))
            return 0;
    }
    return more == 0;
}

static int take_amount(Scan *scan, Held *held) {
    EACH_FIELD(scan) {
        if (IS(&key, "amount"))
            FIELD(0, take_plain(scan, &held->amount));
        else if (IS(&key, "decimals"))
            FIELD(1, take_count(scan, &held->decimals));
        else if (!skip_value(scan, 0))
            return 0;
    }
    return more == 0 && seen & 1 && held->decimals < 256;
}

static int take_held(Scan *scan, Held *held) {
    held->owner.size = held->program.size = 0;
    held->decimals = 0;
    EACH_FIELD(scan) {
        if (IS(&key, "accountIndex"))
            FIELD(0, take_count(scan, &held->key));
        else if (IS(&key, "mint"))
            FIELD(1, take_plain(scan, &held->mint));
        else if (IS(&key, "uiTokenAmount"))
            FIELD(2, take_amount(scan, held));
        else if (IS(&key, "owner"))
            FIELD(3, take_optional_text(scan, &held->owner));
        else if (IS(&key, "programId"))
            FIELD(4, take_optional_text(scan, &held->program));
        else if (!skip_value(scan, 0))
            return 0;
    }
    return more == 0 && (seen & 7) == 7;
}

static int take_holdings(Scan *scan, Holdings *holdings) {
    if (take_null(scan))
        return 1;
    EACH_ELEMENT(scan) {
        if (holdings->count == MAX_BALANCES || !take_held(scan, &holdings->rows[holdings->count]))
            return 0;
        uint64_t account = holdings->rows[holdings->count].key;
        for (uint32_t index = 0; index < holdings->count; index++)
            if (holdings->rows[index].key == account)
                return 0;
        holdings->count++;
    }
    return more == 0;
}

static int take_lamports(Scan *scan, Lamports *lamports) {
    EACH_ELEMENT(scan) {
        if (lamports->count == MAX_BALANCES || !take_count(scan, &lamports->lamports[lamports->count++]))
            return 0;
    }
    return more == 0;
}

static int take_messages(Scan *scan, Body *body) {
    if (take_null(scan))
        return 1;
    EACH_ELEMENT(scan) {
        if (body->message_count == MAX_MESSAGES || !take_string(scan, &body->messages[body->message_count++]))
            return 0;
    }
    return more == 0;
}

static int take_seats(Scan *scan, Body *body, Called *called) {
    called->first_seat = body->seat_count;
    called->seat_count = 0;
    if (take_null(scan))
        return 1;
    EACH_ELEMENT(scan) {
        uint64_t index;
        if (body->seat_count == MAX_SEATS)
            return 0;
        if (look(scan) == '"') {
            if (body->name_count == MAX_NAMES || !take_plain(scan, &body->names[body->name_count]))
                return 0;
            body->seats[body->seat_count++] = -1 - (int32_t)body->name_count++;
        } else {
            if (!take_count(scan, &index) || index > INT32_MAX)
                return 0;
            body->seats[body->seat_count++] = (int32_t)index;
        }
        called->seat_count++;
    }
    return more == 0;
}

static int take_called(Scan *scan, Body *body) {
    if (body->call_count == MAX_CALLS)
        return 0;
    Called *called = &body->calls[body->call_count++];
    called->program_index = called->height = NONE;
    called->has_program = called->has_data = 0;
    called->parsed = NULL;
    called->seat_count = 0;
    EACH_FIELD(scan) {
        if (IS(&key, "programIdIndex"))
            FIELD(0, take_optional_count(scan, &called->program_index));
        else if (IS(&key, "programId")) {
            called->has_program = look(scan) == '"';
            FIELD(1, take_optional_text(scan, &called->program));
        } else if (IS(&key, "accounts"))
            FIELD(2, take_seats(scan, body, called));
        else if (IS(&key, "data")) {
            FIELD(3, take_optional_text(scan, &called->data));
            called->has_data = called->data.size != 0;
        } else if (IS(&key, "parsed"))
            FIELD(4, take_any(scan, &called->parsed));
        else if (IS(&key, "stackHeight"))
            FIELD(5, take_optional_count(scan, &called->height));
        else if (!skip_value(scan, 0))
            return 0;
    }
    return more == 0;
}

static int take_calls(Scan *scan, Body *body, Group *group) {
    group->first = body->call_count;
    EACH_ELEMENT(scan) {
        if (!take_called(scan, body))
            return 0;
    }
    group->count = body->call_count - group->first;
    return more == 0;
}

static int take_group(Scan *scan, Body *body) {
    if (body->group_count == MAX_KEYS)
        return 0;
    Group *group = &body->groups[body->group_count];
    EACH_FIELD(scan) {
        if (IS(&key, "index"))
            FIELD(0, take_count(scan, &group->outer));
        else if (IS(&key, "instructions"))
            FIELD(1, take_calls(scan, body, group));
        else if (!skip_value(scan, 0))
            return 0;
    }
    if (more != 0 || seen != 3)
        return 0;
    for (uint32_t index = 0; index < body->group_count; index++)
        if (body->groups[index].outer == group->outer)
            return 0;
    body->group_count++;
    return 1;
}

static int take_groups(Scan *scan, Body *body) {
    if (take_null(scan))
        return 1;
    EACH_ELEMENT(scan) {
        if (!take_group(scan, body))
            return 0;
    }
    return more == 0;
}

#endif
