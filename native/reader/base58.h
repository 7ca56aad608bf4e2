/* Base58 of any length into bytes. */

#ifndef OOF_BASE58_H
#define OOF_BASE58_H

#include "scan.h"

/* What one program may hand another is 10 KiB (MAX_INSTRUCTION_DATA_LEN); 138 characters hold at least 100 bytes. */
#define MAX_BASE58_SIZE (10 * 1024 * 138 / 100 + 1)
#define DIGITS_AT_ONCE 10
#define MAX_LIMBS (MAX_BASE58_SIZE * 6 / 64 + 2)
/* What is written has 64 bytes at most. */
#define MAX_BASE58_TEXT 90
#define MAX_WORDS 16
#define FIVE_DIGITS UINT32_C(656356768)

static const char base58_alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static signed char base58_values[256];

static void prepare_base58(void) {
    memset(base58_values, -1, sizeof(base58_values));
    for (int value = 0; value < 58; value++)
        base58_values[(unsigned char)base58_alphabet[value]] = (signed char)value;
}

/* The number behind the digits, the lowest 64 bits first; how many limbs it has, -1 for what is no digit. */
static int base58_limbs(const Span *span, uint64_t *limbs) {
    int used = 0;
    for (uint32_t start = 0; start < span->size;) {
        uint64_t chunk = 0, factor = 1;
        for (int taken = 0; taken < DIGITS_AT_ONCE && start < span->size; taken++, start++) {
            int value = base58_values[(unsigned char)span->text[start]];
            if (value < 0)
                return -1;
            chunk = chunk * 58 + (uint64_t)value;
            factor *= 58;
        }
        for (int index = 0; index < used; index++) {
            unsigned __int128 wide = (unsigned __int128)limbs[index] * factor + chunk;
            limbs[index] = (uint64_t)wide;
            chunk = (uint64_t)(wide >> 64);
        }
        if (chunk)
            limbs[used++] = chunk;
    }
    return used;
}

/* NULL without an exception set for what is no base58, or too long. */
static PyObject *base58_bytes(const Span *span) {
    uint64_t limbs[MAX_LIMBS];
    if (!span->is_plain || span->size > MAX_BASE58_SIZE)
        return NULL;
    int used = base58_limbs(span, limbs);
    if (used < 0)
        return NULL;
    Py_ssize_t zeros = 0, size = 0;
    while (zeros < span->size && span->text[zeros] == '1')
        zeros++;
    if (used)
        size = used * 8 - __builtin_clzll(limbs[used - 1]) / 8;
    PyObject *made = PyBytes_FromStringAndSize(NULL, zeros + size);
    if (made == NULL)
        return NULL;
    char *to = PyBytes_AS_STRING(made);
    memset(to, 0, (size_t)zeros);
    for (Py_ssize_t index = 0; index < size; index++)
        to[zeros + size - 1 - index] = (char)(limbs[index / 8] >> (8 * (index % 8)));
    return made;
}

/* The digits of a key or a signature (a whole number of 32-bit words), at the end of `digits`; where they begin. */
static const char *write_base58(const unsigned char *raw, uint32_t size, char *digits, uint32_t *written) {
    uint32_t words[MAX_WORDS], count = size / 4, first = 0, zeros = 0;
    char *to = digits + MAX_BASE58_TEXT;
    for (uint32_t index = 0; index < count; index++)
        words[index] = (uint32_t)raw[index * 4] << 24 | (uint32_t)raw[index * 4 + 1] << 16 |
                       (uint32_t)raw[index * 4 + 2] << 8 | raw[index * 4 + 3];
    while (zeros < size && raw[zeros] == 0)
        zeros++;
    while (first < count && words[first] == 0)
        first++;
    while (first < count) {
        uint64_t rest = 0;
        for (uint32_t index = first; index < count; index++) {
            rest = rest << 32 | words[index];
            words[index] = (uint32_t)(rest / FIVE_DIGITS);
            rest %= FIVE_DIGITS;
        }
        while (first < count && words[first] == 0)
            first++;
        uint32_t five = (uint32_t)rest;
        for (int index = 0; index < 5; index++, five /= 58)
            if (five || first < count)
                *--to = base58_alphabet[five % 58];
    }
    while (zeros--)
        *--to = '1';
    *written = (uint32_t)(digits + MAX_BASE58_TEXT - to);
    return to;
}

#endif
