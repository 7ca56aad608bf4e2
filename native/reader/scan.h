/* Reads JSON where it lies: strings as spans of the text, numbers, and what is skipped, all of it checked.

   Whatever is out of the ordinary ends with 0: then the reader gives up, and Python reads the text instead and says what is
   wrong with it. So nothing here may accept what Python's reader refuses; the other way round costs only time. */

#ifndef OOF_SCAN_H
#define OOF_SCAN_H

#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MAX_DEPTH 100

/* The text between two quotes. `is_plain`: ASCII without a backslash. */
typedef struct {
    const char *text;
    uint32_t size;
    uint32_t is_plain;
} Span;

/* A NUL stands behind the text (bytes objects have it), so looking at the next character is always safe. */
typedef struct {
    const char *at;
    const char *end;
} Scan;

static inline char look(Scan *scan) {
    while (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')
        scan->at++;
    return *scan->at;
}

static inline int take(Scan *scan, char wanted) {
    if (look(scan) != wanted)
        return 0;
    scan->at++;
    return 1;
}

static inline int take_word(Scan *scan, const char *word, size_t size) {
    if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0)
        return 0;
    scan->at += size;
    return 1;
}

static inline int take_null(Scan *scan) { return look(scan) == 'n' && take_word(scan, "null", 4); }

static inline int is(const Span *span, const char *word, size_t size) {
    return span->size == size && memcmp(span->text, word, size) == 0;
}
#define IS(span, word) is(span, word, sizeof(word) - 1)

static inline int is_digit(char one) { return one >= '0' && one <= '9'; }

static inline int hex_value(char one) {
    if (is_digit(one))
        return one - '0';
    one |= 0x20;
    return one >= 'a' && one <= 'f' ? one - 'a' + 10 : -1;
}

/* What stands behind a backslash; `at` is moved behind it. */
static int skip_escape(const char **at) {
    char one = *++*at;
    ++*at;
    if (one != 'u')
        return one != 0 && strchr("\"\\/bfnrt", one) != NULL;
    for (int index = 0; index < 4; index++, ++*at)
        if (hex_value(**at) < 0)
            return 0;
    return 1;
}

static int take_string(Scan *scan, Span *span) {
    if (!take(scan, '"'))
        return 0;
    const char *at = scan->at;
    span->text = at;
    span->is_plain = 1;
    for (;;) {
#ifdef __SSE2__
        while (scan->end - at >= 16) {
            __m128i part = _mm_loadu_si128((const __m128i *)at);
            /* Signed: below a blank are control characters and all beyond ASCII. */
            __m128i odd = _mm_or_si128(_mm_cmplt_epi8(part, _mm_set1_epi8(0x20)),
                                       _mm_or_si128(_mm_cmpeq_epi8(part, _mm_set1_epi8('"')),
                                                    _mm_cmpeq_epi8(part, _mm_set1_epi8('\\'))));
            int found = _mm_movemask_epi8(odd);
            if (found) {
                at += __builtin_ctz((unsigned)found);
                break;
            }
            at += 16;
        }
#endif
        while ((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\')
            at++;
        if (*at == '"')
            break;
        span->is_plain = 0;
        if (*at == '\\') {
            if (!skip_escape(&at))
                return 0;
        } else if ((unsigned char)*at >= 0x80) {
            at++;
        } else {
            return 0;
        }
    }
    if (at - span->text > UINT32_MAX)
        return 0;
    span->size = (uint32_t)(at - span->text);
    scan->at = at + 1;
    return 1;
}

static inline int take_plain(Scan *scan, Span *span) { return take_string(scan, span) && span->is_plain; }

/* A whole number without a sign, of at most 19 digits: fewer than 64 bits. */
static int take_count(Scan *scan, uint64_t *number) {
    look(scan);
    const char *at = scan->at;
    uint64_t value = 0;
    while (is_digit(*at))
        value = value * 10 + (uint64_t)(*at++ - '0');
    ptrdiff_t digits = at - scan->at;
    if (digits < 1 || digits > 19 || (digits > 1 && *scan->at == '0') || *at == '.' || *at == 'e' || *at == 'E')
        return 0;
    scan->at = at;
    *number = value;
    return 1;
}

/* Any number by JSON's grammar. */
static int skip_number(Scan *scan, int *is_whole) {
    const char *at = scan->at;
    if (*at == '-')
        at++;
    if (!is_digit(*at))
        return 0;
    if (*at == '0')
        at++;
    else
        while (is_digit(*at))
            at++;
    *is_whole = 1;
    if (*at == '.') {
        *is_whole = 0;
        if (!is_digit(*++at))
            return 0;
        while (is_digit(*at))
            at++;
    }
    if (*at == 'e' || *at == 'E') {
        *is_whole = 0;
        at++;
        if (*at == '+' || *at == '-')
            at++;
        if (!is_digit(*at))
            return 0;
        while (is_digit(*at))
            at++;
    }
    scan->at = at;
    return !is_digit(*at);
}

/* The next key of an object, with what follows the colon next: 1, or 0 at the object's end, or -1. */
static int next_key(Scan *scan, Span *key, int *is_first) {
    if (take(scan, '}'))
        return 0;
    if (!*is_first && !(take(scan, ',') && look(scan) == '"'))
        return -1;
    *is_first = 0;
    return take_plain(scan, key) && take(scan, ':') ? 1 : -1;
}

/* Whether another element of an array follows: 1, or 0 at the array's end, or -1. */
static int next_element(Scan *scan, int *is_first) {
    if (take(scan, ']'))
        return 0;
    if (!*is_first && !(take(scan, ',') && look(scan) != ']'))
        return -1;
    *is_first = 0;
    return 1;
}

static int skip_value(Scan *scan, int depth) {
    int is_whole, more, is_first = 1;
    Span span;
    if (depth > MAX_DEPTH)
        return 0;
    switch (look(scan)) {
    case '"':
        return take_string(scan, &span);
    case '{':
        scan->at++;
        while ((more = next_key(scan, &span, &is_first)) > 0)
            if (!skip_value(scan, depth + 1))
                return 0;
        return more == 0;
    case '[':
        scan->at++;
        while ((more = next_element(scan, &is_first)) > 0)
            if (!skip_value(scan, depth + 1))
                return 0;
        return more == 0;
    case 't':
        return take_word(scan, "true", 4);
    case 'f':
        return take_word(scan, "false", 5);
    case 'n':
        return take_word(scan, "null", 4);
    default:
        return skip_number(scan, &is_whole);
    }
}

#endif
