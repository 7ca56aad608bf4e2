/* Makes Python's values of spans and of any JSON. NULL without an exception set says: leave it to Python. */

#ifndef OOF_VALUES_H
#define OOF_VALUES_H

#include "base58.h"

#define REMEMBERED 1024
#define MAX_REMEMBERED_SIZE 44

/* Addresses come again and again: one string for each, whose hash is known after the first time. */
static PyObject *remembered[REMEMBERED];

static PyObject *plain_text(const Span *span) {
    PyObject *text = PyUnicode_New(span->size, 127);
    if (text != NULL && span->size)
        memcpy(PyUnicode_1BYTE_DATA(text), span->text, span->size);
    return text;
}

static PyObject *address_text(const Span *span) {
    uint64_t first = 0, last = 0;
    if (span->size < 8 || span->size > MAX_REMEMBERED_SIZE)
        return plain_text(span);
    memcpy(&first, span->text, 8);
    memcpy(&last, span->text + span->size - 8, 8);
    uint64_t mixed = (first ^ (last << 1) ^ span->size) * UINT64_C(0x9E3779B97F4A7C15);
    PyObject **place = &remembered[mixed >> 54];
    PyObject *known = *place;
    if (known != NULL && (size_t)PyUnicode_GET_LENGTH(known) == span->size &&
        memcmp(PyUnicode_1BYTE_DATA(known), span->text, span->size) == 0) {
        Py_INCREF(known);
        return known;
    }
    PyObject *text = plain_text(span);
    if (text != NULL) {
        Py_INCREF(text);
        *place = text;
        Py_XDECREF(known);
    }
    return text;
}

/* The address that raw bytes of a key are, or a signature's text. */
static PyObject *base58_text(const Span *raw) {
    char digits[MAX_BASE58_TEXT];
    Span span = {digits, 0, 1};
    span.text = write_base58((const unsigned char *)raw->text, raw->size, digits, &span.size);
    return address_text(&span);
}

static uint32_t four_hex(const char *at) {
    uint32_t value = 0;
    for (int index = 0; index < 4; index++)
        value = value << 4 | (uint32_t)hex_value(at[index]);
    return value;
}

/* The UTF-8 of \uXXXX at `at` (behind the u), a pair of surrogates together; 0 for half a pair. */
static int put_code_point(const char **at, char **to) {
    uint32_t code = four_hex(*at);
    *at += 4;
    if (code >= 0xD800 && code < 0xE000) {
        if (code >= 0xDC00 || (*at)[0] != '\\' || (*at)[1] != 'u')
            return 0;
        uint32_t low = four_hex(*at + 2);
        if (low < 0xDC00 || low >= 0xE000)
            return 0;
        *at += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code < 0x80) {
        *(*to)++ = (char)code;
        return 1;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char fronts[] = {0, 0xC0, 0xE0, 0xF0};
    *(*to)++ = (char)(fronts[more] | code >> (6 * more));
    while (more--)
        *(*to)++ = (char)(0x80 | ((code >> (6 * more)) & 0x3F));
    return 1;
}

static PyObject *odd_text(const Span *span) {
    static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    char *buffer = PyMem_Malloc(span->size + 1), *to = buffer;
    const char *at = span->text, *end = at + span->size;
    if (buffer == NULL)
        return PyErr_NoMemory();
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        at += 2;
        if (at[-1] != 'u') {
            *to++ = means[strchr(names, at[-1]) - names];
        } else if (!put_code_point(&at, &to)) {
            PyMem_Free(buffer);
            return NULL;
        }
    }
    PyObject *text = PyUnicode_DecodeUTF8(buffer, to - buffer, NULL);
    PyMem_Free(buffer);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear();
    return text;
}

static inline PyObject *text_of(const Span *span) { return span->is_plain ? plain_text(span) : odd_text(span); }

static PyObject *number_value(Scan *scan) {
    char digits[64];
    const char *start = scan->at;
    int is_whole;
    if (!skip_number(scan, &is_whole))
        return NULL;
    size_t size = (size_t)(scan->at - start);
    if (size >= sizeof(digits) || (is_whole && size > 18) || (*start == '-' && start[1] == '0'))
        return NULL;
    memcpy(digits, start, size);
    digits[size] = 0;
    if (is_whole)
        return PyLong_FromLongLong(strtoll(digits, NULL, 10));
    double value = PyOS_string_to_double(digits, NULL, NULL);
    if (value == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return NULL;
    }
    return PyFloat_FromDouble(value);
}

static PyObject *any_value(Scan *scan, int depth);

static PyObject *object_value(Scan *scan, int depth) {
    int more, is_first = 1;
    Span span;
    PyObject *made = PyDict_New();
    scan->at++;
    while (made != NULL && (more = next_key(scan, &span, &is_first)) != 0) {
        PyObject *key = more > 0 ? address_text(&span) : NULL;
        PyObject *value = key != NULL ? any_value(scan, depth + 1) : NULL;
        if (value == NULL || PyDict_SetItem(made, key, value) < 0)
            Py_CLEAR(made);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return made;
}

static PyObject *array_value(Scan *scan, int depth) {
    int more, is_first = 1;
    PyObject *made = PyList_New(0);
    scan->at++;
    while (made != NULL && (more = next_element(scan, &is_first)) != 0) {
        PyObject *value = more > 0 ? any_value(scan, depth + 1) : NULL;
        if (value == NULL || PyList_Append(made, value) < 0)
            Py_CLEAR(made);
        Py_XDECREF(value);
    }
    return made;
}

static PyObject *any_value(Scan *scan, int depth) {
    Span span;
    if (depth > MAX_DEPTH)
        return NULL;
    switch (look(scan)) {
    case '"':
        if (!take_string(scan, &span))
            return NULL;
        return span.is_plain ? address_text(&span) : odd_text(&span);
    case '{':
        return object_value(scan, depth);
    case '[':
        return array_value(scan, depth);
    case 't':
        return take_word(scan, "true", 4) ? Py_NewRef(Py_True) : NULL;
    case 'f':
        return take_word(scan, "false", 5) ? Py_NewRef(Py_False) : NULL;
    case 'n':
        return take_word(scan, "null", 4) ? Py_NewRef(Py_None) : NULL;
    default:
        return number_value(scan);
    }
}

#endif
