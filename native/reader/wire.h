/* A transaction as it goes over the wire, out of base64: signatures, header, keys, instructions, address tables.

   Numbers of things are compact-u16, in their shortest form alone. What is read must be all there is. */

#ifndef OOF_WIRE_H
#define OOF_WIRE_H

#include "body.h"

#define SIGNATURE_BYTES 64
#define KEY_BYTES 32
#define VERSION_0 0x80

typedef struct {
    const unsigned char *at;
    const unsigned char *end;
} Wire;

static int base64_value(unsigned char one) {
    if (one >= 'A' && one <= 'Z')
        return one - 'A';
    if (one >= 'a' && one <= 'z')
        return one - 'a' + 26;
    if (is_digit((char)one))
        return one - '0' + 52;
    return one == '+' ? 62 : one == '/' ? 63 : -1;
}

/* How many bytes base64 with its padding stands for, written to `to`; -1 for what is none, or too long. */
static int from_base64(const Span *span, unsigned char *to) {
    uint32_t size = span->size, padding = 0;
    int written = 0;
    if (size % 4 || size == 0 || size > MAX_WIRE_BYTES / 3 * 4 + 4)
        return -1;
    while (padding < 2 && span->text[size - 1 - padding] == '=')
        padding++;
    for (uint32_t start = 0; start < size; start += 4) {
        uint32_t bits = 0;
        uint32_t missing = start + 4 == size ? padding : 0;
        for (uint32_t index = 0; index < 4; index++) {
            int value = index >= 4 - missing ? 0 : base64_value((unsigned char)span->text[start + index]);
            if (value < 0)
                return -1;
            bits = bits << 6 | (uint32_t)value;
        }
        if (missing && bits & (missing == 1 ? 0xFF : 0xFFFF))
            return -1;
        for (uint32_t index = 0; index < 3 - missing; index++)
            to[written++] = (unsigned char)(bits >> (16 - 8 * index));
    }
    return written;
}

static int wire_count(Wire *wire, uint32_t *count) {
    uint32_t value = 0;
    for (int index = 0; index < 3; index++) {
        if (wire->at == wire->end)
            return 0;
        uint32_t part = *wire->at++;
        value |= (part & 0x7F) << (7 * index);
        if (!(part & 0x80)) {
            *count = value;
            return value <= UINT16_MAX && (part || !index);
        }
    }
    return 0;
}

static const unsigned char *wire_bytes(Wire *wire, size_t size) {
    const unsigned char *start = wire->at;
    if ((size_t)(wire->end - start) < size)
        return NULL;
    wire->at += size;
    return start;
}

/* Raw bytes as a span: not plain, so that nobody takes them for text. */
static int wire_span(Wire *wire, size_t size, Span *span) {
    span->text = (const char *)wire_bytes(wire, size);
    span->size = (uint32_t)size;
    span->is_plain = 0;
    return span->text != NULL;
}

static int wire_call(Wire *wire, Body *body) {
    uint32_t count;
    if (body->call_count == MAX_CALLS || wire->at == wire->end)
        return 0;
    Called *called = &body->calls[body->call_count++];
    called->program_index = *wire->at++;
    called->height = NONE;
    called->has_program = 0;
    called->parsed = NULL;
    called->first_seat = body->seat_count;
    const unsigned char *seats = wire_count(wire, &count) ? wire_bytes(wire, count) : NULL;
    if (seats == NULL || count > MAX_SEATS - body->seat_count)
        return 0;
    called->seat_count = count;
    for (uint32_t index = 0; index < count; index++)
        body->seats[body->seat_count++] = seats[index];
    if (!wire_count(wire, &count) || !wire_span(wire, count, &called->data))
        return 0;
    called->has_data = count != 0;
    return 1;
}

static int wire_tables(Wire *wire) {
    uint32_t tables, count;
    if (!wire_count(wire, &tables))
        return 0;
    while (tables--) {
        if (!wire_bytes(wire, KEY_BYTES))
            return 0;
        for (int half = 0; half < 2; half++)
            if (!wire_count(wire, &count) || !wire_bytes(wire, count))
                return 0;
    }
    return 1;
}

static int wire_message(Wire *wire, Body *body) {
    uint32_t count;
    if (wire->at == wire->end)
        return 0;
    body->is_version_0 = *wire->at == VERSION_0;
    if (body->is_version_0)
        wire->at++;
    const unsigned char *header = wire_bytes(wire, 3);
    if (header == NULL || header[0] >= VERSION_0 || header[0] == 0 || !wire_count(wire, &count) || count > MAX_KEYS)
        return 0;
    body->signer_count = header[0];
    for (body->keys.count = 0; body->keys.count < count; body->keys.count++)
        if (!wire_span(wire, KEY_BYTES, &body->keys.texts[body->keys.count]))
            return 0;
    if (!wire_bytes(wire, KEY_BYTES) || !wire_count(wire, &count))
        return 0;
    body->outer.first = body->call_count;
    body->outer.count = count;
    while (count--)
        if (!wire_call(wire, body))
            return 0;
    return !body->is_version_0 || wire_tables(wire);
}

static int take_wire_transaction(Scan *scan, Body *body) {
    Span text, encoding;
    uint32_t count;
    if (!take(scan, '[') || !take_plain(scan, &text) || !take(scan, ',') || !take_plain(scan, &encoding) || !take(scan, ']'))
        return 0;
    int size = IS(&encoding, "base64") ? from_base64(&text, body->wire) : -1;
    Wire wire = {body->wire, body->wire + (size < 0 ? 0 : size)};
    if (!wire_count(&wire, &count) || !count || !wire_span(&wire, SIGNATURE_BYTES, &body->signature) ||
        !wire_bytes(&wire, (count - 1) * SIGNATURE_BYTES))
        return 0;
    body->has_transaction = body->is_wire = 1;
    return wire_message(&wire, body) && wire.at == wire.end;
}

#endif
