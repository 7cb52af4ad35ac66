/*
 * Reads tensors of a .safetensors file: 8 bytes of the header's length (little-endian), the header in JSON, the data. Only
 * what that format allows is understood; everything is checked against the file's size before it is used.
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct st_file {
    unsigned char *bytes;
    size_t header_len; /* of the JSON, which begins at byte 8 */
    size_t data_len;
} st_file;

/* A tensor's description. */
typedef struct st_tensor {
    char dtype[8];
    uint64_t elements, begin, end;
} st_tensor;

/* A place in the JSON. */
typedef struct st_cursor {
    const char *at, *end;
} st_cursor;

static inline void st_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

/* Reads the whole file; ends the program if that is none of the format. */
static inline st_file st_open(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        st_fail(path, "cannot be read");
    const long size = ftell(file);
    st_file st = {NULL, 0, 0};
    if (size < 8 || fseek(file, 0, SEEK_SET) != 0 || (st.bytes = malloc((size_t)size)) == NULL ||
        fread(st.bytes, 1, (size_t)size, file) != (size_t)size)
        st_fail(path, "cannot be read as a safetensors file");
    fclose(file);
    uint64_t header = 0;
    for (int i = 7; i >= 0; i--)
        header = header << 8 | st.bytes[i];
    if (header > (uint64_t)size - 8)
        st_fail(path, "is cut off, or no safetensors file");
    st.header_len = (size_t)header;
    st.data_len = (size_t)size - 8 - st.header_len;
    return st;
}

static inline void st_close(st_file *st)
{
    free(st->bytes);
    st->bytes = NULL;
}

static inline int st_space(st_cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
    return c->at < c->end;
}

/* Takes one character if it comes next. */
static inline int st_take(st_cursor *c, char wanted)
{
    if (!st_space(c) || *c->at != wanted)
        return 0;
    c->at++;
    return 1;
}

/* A string without escapes. */
static inline int st_string(st_cursor *c, const char **start, size_t *len)
{
    if (!st_take(c, '"'))
        return 0;
    *start = c->at;
    while (c->at < c->end && *c->at != '"')
        if (*c->at++ == '\\')
            return 0;
    *len = (size_t)(c->at - *start);
    return st_take(c, '"');
}

static inline int st_is(const char *text, const char *start, size_t len)
{
    return strlen(text) == len && memcmp(text, start, len) == 0;
}

static inline int st_number(st_cursor *c, uint64_t *value)
{
    if (!st_space(c) || *c->at < '0' || *c->at > '9')
        return 0;
    for (*value = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (*value > (UINT64_MAX - 9) / 10)
            return 0;
        *value = *value * 10 + (uint64_t)(*c->at - '0');
    }
    return 1;
}

/* [a, b, ...]: the product of its numbers, and its first two. */
static inline int st_numbers(st_cursor *c, uint64_t *product, uint64_t two[2], size_t *count)
{
    *product = 1;
    *count = 0;
    if (!st_take(c, '['))
        return 0;
    if (st_take(c, ']'))
        return 1;
    do {
        uint64_t value;
        if (!st_number(c, &value) || (value != 0 && *product > UINT64_MAX / value))
            return 0;
        *product *= value;
        if (*count < 2)
            two[*count] = value;
        ++*count;
    } while (st_take(c, ','));
    return st_take(c, ']');
}

/* {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}, in any order. */
static inline int st_description(st_cursor *c, st_tensor *tensor)
{
    int seen = 0;
    if (!st_take(c, '{'))
        return 0;
    do {
        const char *key, *text;
        size_t key_len, len;
        uint64_t product, two[2] = {0, 0};
        if (!st_string(c, &key, &key_len) || !st_take(c, ':'))
            return 0;
        if (st_is("dtype", key, key_len)) {
            if (!st_string(c, &text, &len) || len >= sizeof tensor->dtype)
                return 0;
            memcpy(tensor->dtype, text, len);
            tensor->dtype[len] = 0;
            seen |= 1;
        } else if (st_is("shape", key, key_len)) {
            if (!st_numbers(c, &tensor->elements, two, &len))
                return 0;
            seen |= 2;
        } else if (st_is("data_offsets", key, key_len)) {
            if (!st_numbers(c, &product, two, &len) || len != 2)
                return 0;
            tensor->begin = two[0];
            tensor->end = two[1];
            seen |= 4;
        } else {
            return 0;
        }
    } while (st_take(c, ','));
    return seen == 7 && st_take(c, '}');
}

/* {"name": "text", ...} */
static inline int st_metadata(st_cursor *c)
{
    const char *text;
    size_t len;
    if (!st_take(c, '{'))
        return 0;
    if (st_take(c, '}'))
        return 1;
    do {
        if (!st_string(c, &text, &len) || !st_take(c, ':') || !st_string(c, &text, &len))
            return 0;
    } while (st_take(c, ','));
    return st_take(c, '}');
}

/* Finds a tensor of four-byte elements; ends the program if there is none, or one of another kind or outside the file. */
static inline const unsigned char *st_words(const st_file *st, const char *name, const char *dtype, size_t *count)
{
    const char *json = (const char *)st->bytes + 8;
    st_cursor c = {json, json + st->header_len};
    int found = 0, ok = st_take(&c, '{');
    st_tensor tensor = {"", 0, 0, 0};
    if (ok && !st_take(&c, '}')) {
        do {
            const char *key;
            size_t len;
            st_tensor this = {"", 0, 0, 0};
            ok = st_string(&c, &key, &len) && st_take(&c, ':') &&
                 (st_is("__metadata__", key, len) ? st_metadata(&c) : st_description(&c, &this));
            if (ok && st_is(name, key, len)) {
                tensor = this;
                found = 1;
            }
        } while (ok && st_take(&c, ','));
        ok = ok && st_take(&c, '}');
    }
    if (!ok || st_space(&c))
        st_fail(name, "the header of the file is not understood");
    if (!found)
        st_fail(name, "not found");
    if (strcmp(tensor.dtype, dtype) != 0)
        st_fail(name, "of another type");
    if (tensor.end > st->data_len || tensor.begin > tensor.end || tensor.end - tensor.begin != tensor.elements * 4 ||
        tensor.elements > SIZE_MAX / 4)
        st_fail(name, "outside the file, or of another size");
    *count = (size_t)tensor.elements;
    return st->bytes + 8 + st->header_len + (size_t)tensor.begin;
}

/* A little-endian word, on any machine and of any alignment. */
static inline uint32_t st_word(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The floats of a tensor, to be freed. */
static inline float *st_floats(const st_file *st, const char *name, size_t expected)
{
    size_t count;
    const unsigned char *bytes = st_words(st, name, "F32", &count);
    if (count != expected)
        st_fail(name, "has another number of values than is expected");
    float *values = malloc(count > 0 ? count * sizeof *values : 1);
    if (values == NULL)
        st_fail(name, "no memory");
    for (size_t i = 0; i < count; i++) {
        const uint32_t word = st_word(bytes + 4 * i);
        memcpy(&values[i], &word, sizeof word);
    }
    return values;
}

/* The integers of a tensor, to be freed. */
static inline int32_t *st_ints(const st_file *st, const char *name, size_t *count)
{
    const unsigned char *bytes = st_words(st, name, "I32", count);
    int32_t *values = malloc(*count > 0 ? *count * sizeof *values : 1);
    if (values == NULL)
        st_fail(name, "no memory");
    for (size_t i = 0; i < *count; i++) {
        const uint32_t word = st_word(bytes + 4 * i);
        memcpy(&values[i], &word, sizeof word);
    }
    return values;
}

#endif
