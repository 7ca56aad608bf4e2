/* The outer shapes of a getTransaction result: the message, the meta, and both together. See body.h. */

#ifndef OOF_RESULT_H
#define OOF_RESULT_H

#include "wire.h"

static int take_loaded(Scan *scan, Body *body) {
    if (take_null(scan))
        return 1;
    EACH_FIELD(scan) {
        if (IS(&key, "writable"))
            FIELD(0, take_texts(scan, &body->writable));
        else if (IS(&key, "readonly"))
            FIELD(1, take_texts(scan, &body->readonly));
        else if (!skip_value(scan, 0))
            return 0;
    }
    return more == 0;
}

static int take_meta(Scan *scan, Body *body) {
    EACH_FIELD(scan) {
        if (IS(&key, "fee"))
            FIELD(0, take_count(scan, &body->fee));
        else if (IS(&key, "err"))
            FIELD(1, take_any(scan, &body->error));
        else if (IS(&key, "preBalances"))
            FIELD(2, take_lamports(scan, &body->pre));
        else if (IS(&key, "postBalances"))
            FIELD(3, take_lamports(scan, &body->post));
        else if (IS(&key, "preTokenBalances"))
            FIELD(4, take_holdings(scan, &body->pre_tokens));
        else if (IS(&key, "postTokenBalances"))
            FIELD(5, take_holdings(scan, &body->post_tokens));
        else if (IS(&key, "innerInstructions"))
            FIELD(6, take_groups(scan, body));
        else if (IS(&key, "logMessages"))
            FIELD(7, take_messages(scan, body));
        else if (IS(&key, "loadedAddresses"))
            FIELD(8, take_loaded(scan, body));
        else if (IS(&key, "computeUnitsConsumed"))
            FIELD(9, take_optional_count(scan, &body->units));
        else if (!skip_value(scan, 0))
            return 0;
    }
    body->has_meta = 1;
    return more == 0 && seen & 1 && body->pre.count == body->post.count;
}

static int take_header(Scan *scan, Body *body) {
    if (take_null(scan))
        return 1;
    EACH_FIELD(scan) {
        uint64_t count;
        if (IS(&key, "numRequiredSignatures")) {
            FIELD(0, take_count(scan, &count));
            body->signer_count = count < 256 ? (int64_t)count : 256;
        } else if (!skip_value(scan, 0))
            return 0;
    }
    return more == 0 && seen;
}

static int take_key(Scan *scan, Body *body) {
    Span *pubkey = &body->keys.texts[body->keys.count++];
    if (look(scan) == '"')
        return take_plain(scan, pubkey);
    EACH_FIELD(scan) {
        if (IS(&key, "pubkey"))
            FIELD(0, take_plain(scan, pubkey));
        else if (IS(&key, "signer")) {
            ONCE(1);
            if (look(scan) == 't' && take_word(scan, "true", 4))
                body->signing_keys++;
            else if (!take_word(scan, "false", 5))
                return 0;
        } else if (!skip_value(scan, 0))
            return 0;
    }
    return more == 0 && seen & 1;
}

static int take_keys(Scan *scan, Body *body) {
    EACH_ELEMENT(scan) {
        if (body->keys.count == MAX_KEYS || !take_key(scan, body))
            return 0;
    }
    return more == 0;
}

static int take_message(Scan *scan, Body *body) {
    EACH_FIELD(scan) {
        if (IS(&key, "accountKeys"))
            FIELD(0, take_keys(scan, body));
        else if (IS(&key, "instructions"))
            FIELD(1, take_calls(scan, body, &body->outer));
        else if (IS(&key, "header"))
            FIELD(2, take_header(scan, body));
        else if (!skip_value(scan, 0))
            return 0;
    }
    return more == 0 && (seen & 3) == 3;
}

static int take_signatures(Scan *scan, Body *body) {
    int count = 0;
    Span other;
    EACH_ELEMENT(scan) {
        if (!take_plain(scan, count++ ? &other : &body->signature))
            return 0;
    }
    return more == 0 && count;
}

static int take_transaction(Scan *scan, Body *body) {
    if (look(scan) == '[')
        return take_wire_transaction(scan, body);
    EACH_FIELD(scan) {
        if (IS(&key, "signatures"))
            FIELD(0, take_signatures(scan, body));
        else if (IS(&key, "message"))
            FIELD(1, take_message(scan, body));
        else if (!skip_value(scan, 0))
            return 0;
    }
    body->has_transaction = 1;
    return more == 0 && seen == 3;
}

static int take_version(Scan *scan, Body *body) {
    uint64_t version;
    Span word;
    if (take_null(scan))
        return 1;
    if (look(scan) == '"')
        return take_plain(scan, &word) && IS(&word, "legacy");
    body->says_version_0 = 1;
    return take_count(scan, &version) && version == 0;
}

static int take_result(Scan *scan, Body *body) {
    EACH_FIELD(scan) {
        if (IS(&key, "transaction"))
            FIELD(0, take_transaction(scan, body));
        else if (IS(&key, "meta"))
            FIELD(1, take_meta(scan, body));
        else if (IS(&key, "slot"))
            FIELD(2, take_optional_count(scan, &body->slot));
        else if (IS(&key, "blockTime"))
            FIELD(3, take_optional_count(scan, &body->block_time));
        else if (IS(&key, "version"))
            FIELD(4, take_version(scan, body));
        else if (IS(&key, "transactionIndex"))
            FIELD(5, take_optional_count(scan, &body->tx_index));
        else if (!skip_value(scan, 0))
            return 0;
    }
    look(scan);
    return more == 0 && scan->at == scan->end && body->has_meta && body->has_transaction;
}

#endif
