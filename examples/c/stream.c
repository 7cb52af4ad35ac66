/*
 * One stream, a step at a time, as in an audio callback or a device: a two-layer LSTM whose panels, states and buffers are
 * all static. Nothing is allocated. At the end the same tokens are run as one sequence, which gives the same bits.
 */
#include "check.h"

#include <string.h>

enum { INPUTS = 13, UNITS = 20, LAYERS = 2, STEPS = 100, STATES = LAYERS * UNITS };

/* Made once, on a host or here; from flash they could be const. */
static float panels[PRNN_LSTM_PANELS_LEN(INPUTS, UNITS, LAYERS, 1)];
static const prnn_shape shape = {PRNN_LSTM, PRNN_FORWARD, INPUTS, UNITS, LAYERS};
static prnn_model model;

/* The state of the stream, and room for a step. */
static float h[STATES], c[STATES], scratch[STATES];

static float tokens[STEPS][INPUTS];
static float outputs[STEPS][UNITS];

static void make_model(void)
{
    static float first_ih[4 * UNITS * INPUTS], second_ih[4 * UNITS * UNITS], hh[LAYERS][4 * UNITS * UNITS];
    static float bias[LAYERS][4 * UNITS];
    noise(first_ih, LENGTH(first_ih), 1);
    noise(second_ih, LENGTH(second_ih), 2);
    noise(hh[0], LAYERS * LENGTH(hh[0]), 3);
    noise(bias[0], LAYERS * LENGTH(bias[0]), 4);
    const prnn_weights weights[LAYERS] = {
        {first_ih, LENGTH(first_ih), hh[0], LENGTH(hh[0]), bias[0], LENGTH(bias[0]), NULL, 0},
        {second_ih, LENGTH(second_ih), hh[1], LENGTH(hh[1]), bias[1], LENGTH(bias[1]), NULL, 0},
    };
    CALL(prnn_panels_pack, &shape, weights, LAYERS, panels, LENGTH(panels));
    CALL(prnn_model_new, &shape, panels, LENGTH(panels), PRNN_PANEL_FORMAT, &model);
}

/* What is called for each token. */
static void next_token(const float token[INPUTS], float output[UNITS])
{
    CALL(prnn_step_in_place, &model, 1, token, INPUTS, h, STATES, c, STATES, scratch, STATES);
    /* The output is the state of the last layer. */
    memcpy(output, h + STATES - UNITS, UNITS * sizeof *output);
}

int main(void)
{
    make_model();
    noise(tokens[0], STEPS * INPUTS, 5);
    for (int t = 0; t < STEPS; t++)
        next_token(tokens[t], outputs[t]);

    /* One sequence of STEPS tokens: packed, it is as it stands. */
    static float hn[STATES], cn[STATES], whole[STEPS][UNITS], between[STEPS * UNITS];
    static uint32_t sorted_lengths[1];
    const size_t length = STEPS;
    const prnn_states states = {NULL, 0, NULL, 0, hn, STATES, cn, STATES};
    prnn_layout layout;
    CALL(prnn_layout_from_sorted_size, &length, 1, sorted_lengths, &layout);
    CALL(prnn_run, &model, &layout, tokens[0], STEPS * INPUTS, &states, whole[0], STEPS * UNITS, between,
         LENGTH(between));

    const int same = memcmp(outputs, whole, sizeof whole) == 0 && memcmp(h, hn, sizeof h) == 0 &&
                     memcmp(c, cn, sizeof c) == 0;
    printf("%d steps of an LSTM %d -> %d, %d layers, backend %s\n", STEPS, INPUTS, UNITS, LAYERS,
           prnn_backend_name(model.backend));
    printf("static memory of the stream: %zu bytes beside %zu of panels\n", sizeof h + sizeof c + sizeof scratch,
           sizeof panels);
    printf("the last output begins %.6f %.6f %.6f\n", outputs[STEPS - 1][0], outputs[STEPS - 1][1], outputs[STEPS - 1][2]);
    printf("step by step and as one sequence: %s\n", same ? "the same bits" : "OTHER BITS");
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
