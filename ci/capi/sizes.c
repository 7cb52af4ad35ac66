/*
 * What the header computes for the compiler is what the library tells, for many shapes. It is compiled as C and as C++, and
 * linked, so that the header's declarations are those of functions that are there.
 */
#include "packed_rnn.h"
#include "packed_rnn.h"

#include <stdio.h>

static int differ(const prnn_shape *shape, size_t expected)
{
    size_t len = 0;
    prnn_error error;
    const prnn_status status = prnn_panels_len(shape, &len, &error);
    if (status == PRNN_OK && len == expected)
        return 0;
    fprintf(stderr, "cell %d, %zu -> %zu, %zu layers, direction %d: %zu in the header, %zu in the library (status %d)\n",
            (int)shape->cell, shape->input_size, shape->hidden_size, shape->num_layers, (int)shape->direction, expected, len,
            (int)status);
    return 1;
}

int main(void)
{
    int wrong = 0, count = 0;
    for (size_t input = 1; input <= 40; input += 3)
        for (size_t hidden = 1; hidden <= 70; hidden++)
            for (size_t layers = 1; layers <= 3; layers++)
                for (size_t directions = 1; directions <= 2; directions++) {
                    prnn_shape shape = {PRNN_LSTM, directions == 2 ? PRNN_BIDIRECTIONAL : PRNN_REVERSE, input, hidden, layers};
                    wrong += differ(&shape, PRNN_LSTM_PANELS_LEN(input, hidden, layers, directions));
                    shape.cell = PRNN_GRU;
                    wrong += differ(&shape, PRNN_GRU_PANELS_LEN(input, hidden, layers, directions));
                    shape.cell = PRNN_RNN_TANH;
                    wrong += differ(&shape, PRNN_RNN_PANELS_LEN(input, hidden, layers, directions));
                    shape.cell = PRNN_RNN_RELU;
                    wrong += differ(&shape, PRNN_RNN_PANELS_LEN(input, hidden, layers, directions));
                    count += 4;
                }
    const unsigned version = PRNN_VERSION_MAJOR * 1000000 + PRNN_VERSION_MINOR * 1000 + PRNN_VERSION_PATCH;
    if (prnn_version() != version || prnn_panel_format() != PRNN_PANEL_FORMAT) {
        fprintf(stderr, "the library is of another version than the header\n");
        wrong++;
    }
    if (wrong == 0)
        printf("the sizes of %d panels are those of the library\n", count);
    return wrong != 0;
}
