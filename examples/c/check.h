/* What the examples do with a status, and numbers that are the same each time. */
#ifndef CHECK_H
#define CHECK_H

#include "packed_rnn.h"

#include <stdio.h>
#include <stdlib.h>

/* Ends the program with the text of the error where a call was refused. */
static void check(const char *call, prnn_status status, const prnn_error *error)
{
    if (status != PRNN_OK) {
        char text[160];
        prnn_error_text(error, text, sizeof text);
        fprintf(stderr, "%s: %s\n", call, text);
        exit(EXIT_FAILURE);
    }
}

/* CALL(prnn_run, &model, ...): the call with the place for its error, checked. */
#define CALL(function, ...)                                              \
    do {                                                                 \
        prnn_error error_;                                               \
        check(#function, function(__VA_ARGS__, &error_), &error_);       \
    } while (0)

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* Weights and inputs, small and the same each time. */
static inline void noise(float *values, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = ((float)(seed >> 8) / 8388608.0f - 1.0f) / 4.0f;
    }
}

#endif
