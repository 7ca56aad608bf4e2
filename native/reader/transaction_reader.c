/* read_json(body): the parts of a getTransaction result recorded as JSON, for transaction.py to make its view of.

   None for all that is out of the ordinary (other encodings, odd numbers, what cannot be right): Python reads that, and says
   what is wrong with it. body.h finds where the parts lie; here they become Python's values. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "result.h"
#include "values.h"

#define UNTOLD_HEIGHT 2

static Body *spare_body;
static PyObject *empty_bytes;

static PyObject *none(void) { return Py_NewRef(Py_None); }

static PyObject *optional_number(int64_t number) { return number == NONE ? none() : PyLong_FromLongLong(number); }

static PyObject *optional_text(const Span *span) { return span->size ? address_text(span) : none(); }

static PyObject *value_at(const char *at, const char *end) {
    Scan scan = {at, end};
    return at == NULL ? none() : any_value(&scan, 0);
}

/* --- accounts --- */

static int add_keys(PyObject *list, PyObject *distinct, const Keys *keys) {
    for (uint32_t index = 0; index < keys->count; index++) {
        const Span *span = &keys->texts[index];
        PyObject *text = !span->is_plain ? base58_text(span) : span->size ? address_text(span) : NULL;
        int is_added = text != NULL && PyList_Append(list, text) == 0 && PySet_Add(distinct, text) == 0;
        Py_XDECREF(text);
        if (!is_added)
            return 0;
    }
    return 1;
}

/* 1 where all of them are there, 0 where not, -1 after an exception. */
static int has_all(PyObject *distinct, const Keys *keys) {
    int found = 1;
    for (uint32_t index = 0; found == 1 && index < keys->count; index++) {
        PyObject *text = address_text(&keys->texts[index]);
        found = text == NULL ? -1 : PySet_Contains(distinct, text);
        Py_XDECREF(text);
    }
    return found;
}

/* The message's keys and those loaded from tables, unless the recorder put these into the list of a JSON message himself. */
static PyObject *keys_of(const Body *body) {
    PyObject *list = PyList_New(0), *distinct = PySet_New(NULL);
    int is_good = list != NULL && distinct != NULL && body->keys.count && add_keys(list, distinct, &body->keys);
    if (is_good) {
        int writable = has_all(distinct, &body->writable), readonly = has_all(distinct, &body->readonly);
        is_good = writable >= 0 && readonly >= 0;
        if (is_good && (body->is_wire || !(writable && readonly)))
            is_good = add_keys(list, distinct, &body->writable) && add_keys(list, distinct, &body->readonly);
    }
    if (!is_good || PySet_GET_SIZE(distinct) != PyList_GET_SIZE(list))
        Py_CLEAR(list);
    Py_XDECREF(distinct);
    return list;
}

/* The key of an index; '' beyond the list. */
static PyObject *key_at(PyObject *keys, int64_t index) {
    if (index >= 0 && index < PyList_GET_SIZE(keys))
        return Py_NewRef(PyList_GET_ITEM(keys, index));
    return PyUnicode_New(0, 0);
}

/* --- instructions --- */

static PyObject *seats_of(const Body *body, const Called *called, PyObject *keys) {
    PyObject *made = PyList_New(called->seat_count);
    for (uint32_t index = 0; made != NULL && index < called->seat_count; index++) {
        int32_t seat = body->seats[called->first_seat + index];
        PyObject *text = seat >= 0 ? key_at(keys, seat) : address_text(&body->names[-1 - seat]);
        if (text == NULL)
            Py_CLEAR(made);
        else
            PyList_SET_ITEM(made, index, text);
    }
    return made;
}

/* What the node said in words, where it did so by an object; anything else is read only to be sure that it can be. */
static PyObject *words_of(const Called *called, const char *end) {
    PyObject *value = value_at(called->parsed, end);
    if (value != NULL && !PyDict_CheckExact(value))
        Py_SETREF(value, none());
    return value;
}

/* A tuple of values it takes over; NULL where one of them is missing. */
static PyObject *tuple_of(PyObject **values, Py_ssize_t size) {
    PyObject *made = NULL;
    Py_ssize_t good = 0;
    while (good < size && values[good] != NULL)
        good++;
    if (good == size)
        made = PyTuple_New(size);
    for (Py_ssize_t index = 0; index < size; index++) {
        if (made != NULL)
            PyTuple_SET_ITEM(made, index, values[index]);
        else
            Py_XDECREF(values[index]);
    }
    return made;
}

/* From JSON it is base58, from the wire the bytes themselves. */
static PyObject *data_of(const Called *called) {
    if (!called->has_data)
        return Py_NewRef(empty_bytes);
    if (called->data.is_plain)
        return base58_bytes(&called->data);
    return PyBytes_FromStringAndSize(called->data.text, called->data.size);
}

static int add_call(PyObject *rows, const Body *body, const Called *called, int64_t outer, int64_t inner, PyObject *keys,
                    const char *end) {
    int64_t height = inner == NONE ? 1 : called->height > 0 ? called->height : UNTOLD_HEIGHT;
    PyObject *values[] = {
        PyLong_FromLongLong(outer),
        PyLong_FromLongLong(inner),
        PyLong_FromLongLong(height),
        called->has_program ? address_text(&called->program) : key_at(keys, called->program_index),
        seats_of(body, called, keys),
        data_of(called),
        words_of(called, end),
    };
    PyObject *row = tuple_of(values, 7);
    int is_added = row != NULL && PyList_Append(rows, row) == 0;
    Py_XDECREF(row);
    return is_added;
}

/* Rows of instructions in the order of the calls; `is_told` whether each inner one has a height. */
static PyObject *calls_of(const Body *body, PyObject *keys, const char *end, int *is_told) {
    PyObject *rows = PyList_New(0);
    int is_good = rows != NULL;
    *is_told = 1;
    for (uint32_t outer = 0; is_good && outer < body->outer.count; outer++) {
        is_good = add_call(rows, body, &body->calls[body->outer.first + outer], outer, NONE, keys, end);
        const Group *group = body->groups;
        while (group < body->groups + body->group_count && group->outer != outer)
            group++;
        if (group == body->groups + body->group_count)
            continue;
        for (uint32_t inner = 0; is_good && inner < group->count; inner++) {
            const Called *called = &body->calls[group->first + inner];
            *is_told = *is_told && called->height != NONE;
            is_good = add_call(rows, body, called, outer, inner, keys, end);
        }
    }
    if (!is_good)
        Py_CLEAR(rows);
    return rows;
}

/* --- balances and messages --- */

static PyObject *lamports_of(const Lamports *lamports) {
    PyObject *made = PyList_New(lamports->count);
    for (uint32_t index = 0; made != NULL && index < lamports->count; index++) {
        PyObject *number = PyLong_FromUnsignedLongLong(lamports->lamports[index]);
        if (number == NULL)
            Py_CLEAR(made);
        else
            PyList_SET_ITEM(made, index, number);
    }
    return made;
}

/* An amount is written as text: digits and nothing else. */
static PyObject *amount_of(const Span *span) {
    uint64_t value = 0;
    if (span->size < 1 || span->size > 19)
        return NULL;
    for (uint32_t index = 0; index < span->size; index++) {
        if (!is_digit(span->text[index]))
            return NULL;
        value = value * 10 + (uint64_t)(span->text[index] - '0');
    }
    return PyLong_FromUnsignedLongLong(value);
}

static PyObject *tokens_of(const Holdings *holdings, PyObject *keys) {
    PyObject *made = PyList_New(holdings->count);
    for (uint32_t index = 0; made != NULL && index < holdings->count; index++) {
        const Held *held = &holdings->rows[index];
        PyObject *values[] = {
            key_at(keys, held->key > INT32_MAX ? NONE : (int64_t)held->key),
            address_text(&held->mint),
            optional_text(&held->owner),
            amount_of(&held->amount),
            PyLong_FromUnsignedLongLong(held->decimals),
            optional_text(&held->program),
        };
        PyObject *row = tuple_of(values, 6);
        if (row == NULL)
            Py_CLEAR(made);
        else
            PyList_SET_ITEM(made, index, row);
    }
    return made;
}

static PyObject *messages_of(const Body *body) {
    PyObject *made = PyList_New(body->message_count);
    for (uint32_t index = 0; made != NULL && index < body->message_count; index++) {
        PyObject *text = text_of(&body->messages[index]);
        if (text == NULL)
            Py_CLEAR(made);
        else
            PyList_SET_ITEM(made, index, text);
    }
    return made;
}

/* --- the whole --- */

static void clear(Body *body) {
    body->slot = body->block_time = body->tx_index = body->units = body->signer_count = NONE;
    body->signing_keys = 0;
    body->says_version_0 = body->is_version_0 = body->is_wire = body->has_meta = body->has_transaction = 0;
    body->error = NULL;
    body->keys.count = body->writable.count = body->readonly.count = 0;
    body->call_count = body->group_count = body->seat_count = body->name_count = body->message_count = 0;
    body->pre.count = body->post.count = body->pre_tokens.count = body->post_tokens.count = 0;
}

static PyObject *made_of(const Body *body, const char *end) {
    int is_told;
    int64_t signers = body->signer_count == NONE ? (int64_t)body->signing_keys : body->signer_count;
    if (signers == 0)
        signers = 1;
    PyObject *keys = signers < 256 ? keys_of(body) : NULL;
    if (keys == NULL)
        return NULL;
    PyObject *calls = calls_of(body, keys, end, &is_told);
    PyObject *values[] = {
        body->is_wire ? base58_text(&body->signature) : plain_text(&body->signature),
        optional_number(body->slot),
        optional_number(body->block_time),
        optional_number(body->tx_index),
        PyUnicode_FromString((body->is_wire ? body->is_version_0 : body->says_version_0) ? "0" : "legacy"),
        value_at(body->error, end),
        PyLong_FromUnsignedLongLong(body->fee),
        PyLong_FromLongLong(signers),
        keys,
        calls,
        lamports_of(&body->pre),
        lamports_of(&body->post),
        tokens_of(&body->pre_tokens, keys),
        tokens_of(&body->post_tokens, keys),
        messages_of(body),
        optional_number(body->units),
        PyBool_FromLong(is_told),
    };
    return tuple_of(values, sizeof(values) / sizeof(values[0]));
}

static PyObject *read_json(PyObject *module, PyObject *argument) {
    if (!PyBytes_CheckExact(argument))
        return none();
    /* What is made here may run other code (a collection), which may read another transaction: so each has its own. */
    Body *body = spare_body;
    spare_body = NULL;
    if (body == NULL && (body = PyMem_Malloc(sizeof(Body))) == NULL)
        return PyErr_NoMemory();
    clear(body);
    Scan scan = {PyBytes_AS_STRING(argument), PyBytes_AS_STRING(argument) + PyBytes_GET_SIZE(argument)};
    PyObject *made = take_result(&scan, body) ? made_of(body, scan.end) : NULL;
    if (spare_body == NULL)
        spare_body = body;
    else
        PyMem_Free(body);
    return made != NULL || PyErr_Occurred() ? made : none();
}

static PyMethodDef methods[] = {
    {"read_json", read_json, METH_O, "The parts of a getTransaction result, None where Python must read it."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "transaction_reader", "Reads transactions recorded as JSON.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_transaction_reader(void) {
    prepare_base58();
    empty_bytes = PyBytes_FromStringAndSize("", 0);
    return empty_bytes == NULL ? NULL : PyModule_Create(&definition);
}
