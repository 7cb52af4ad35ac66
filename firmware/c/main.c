/*
 * The jobs of src/bin/speakers.rs and src/bin/stream.rs by the library for C: an utterance to its speaker, and a clip as a
 * stream, step by step and in slices of time. All memory is static, the panels are in flash, and every bit must be that
 * of the host. Then each call is made again, and tells what it takes of the stack.
 */
#include "board.h"
#include "data.h"
#include "packed_rnn.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

enum { CHANNELS = 12, UNITS = 32, LAYERS = 2, DIRECTIONS = 2, STATES = LAYERS * DIRECTIONS * UNITS, NAMES = 9 };
enum { SPEECH_INPUTS = 128, SPEECH_UNITS = 128, SLICE = 4 };

_Static_assert(LENGTH(speakers_panels) == PRNN_GRU_PANELS_LEN(CHANNELS, UNITS, LAYERS, DIRECTIONS), "other panels");
_Static_assert(LENGTH(speech_panels) == PRNN_LSTM_PANELS_LEN(SPEECH_INPUTS, SPEECH_UNITS, 1, 1), "other panels");

/* CALL(prnn_run, &model, ...): the call with the place for its error, which ends the program. */
#define CALL(function, ...)                                                  \
    do {                                                                     \
        prnn_error error_;                                                   \
        if (function(__VA_ARGS__, &error_) != PRNN_OK) {                     \
            char text_[160];                                                 \
            prnn_error_text(&error_, text_, sizeof text_);                   \
            fail(text_);                                                     \
        }                                                                    \
    } while (0)

/* The call again, and what it takes of the stack: a line for the script that measures. */
#define STACK(function, ...)                                                 \
    do {                                                                     \
        stack_begin();                                                       \
        CALL(function, __VA_ARGS__);                                         \
        const uint32_t bytes_ = stack_end();                                 \
        print("C: stack ");                                                  \
        print_number(bytes_);                                                \
        print(" " #function "\n");                                           \
    } while (0)

#define SAME_BITS(found, expected)                                                    \
    do {                                                                              \
        _Static_assert(sizeof(expected) == sizeof(found), "another size");            \
        if (memcmp(found, expected, sizeof(expected)) != 0)                           \
            fail(#found " has other bits than on the host");                          \
    } while (0)

/* One chain, as everywhere: the bias, then the products in order. */
static float linear(const float *weight, float bias, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bias += weight[i] * input[i];
    return bias;
}

static void speakers(void)
{
    static const prnn_shape shape = {PRNN_GRU, PRNN_BIDIRECTIONAL, CHANNELS, UNITS, LAYERS};
    static const size_t length = UTTERANCE_TOKENS;
    static const prnn_sequence sequence = {utterance, sizeof utterance};
    static float packed[LENGTH(utterance)], output[LENGTH(utterance_output)], scratch[LENGTH(utterance_output)];
    static float states[STATES], logits[NAMES];
    static uint32_t sorted_lengths[1];
    prnn_model model;
    prnn_layout layout;
    const prnn_states where = {0, 0, 0, 0, states, STATES, 0, 0};

    clock_begin();
    CALL(prnn_model_new, &shape, speakers_panels, LENGTH(speakers_panels), PRNN_PANEL_FORMAT, &model);
    CALL(prnn_layout_from_sorted_size, &length, 1, sorted_lengths, &layout);
    CALL(prnn_pack_sequence, &layout, CHANNELS * sizeof(float), &sequence, 1, packed, sizeof packed);
    CALL(prnn_run, &model, &layout, packed, LENGTH(packed), &where, output, LENGTH(output), scratch, LENGTH(scratch));
    const float *last = states + STATES - DIRECTIONS * UNITS;
    int speaker = 0;
    for (int name = 0; name < NAMES; name++) {
        logits[name] =
            linear(speakers_weight + name * DIRECTIONS * UNITS, speakers_bias[name], last, DIRECTIONS * UNITS);
        if (logits[name] > logits[speaker])
            speaker = name;
    }
    const uint32_t instructions = clock_end();

    SAME_BITS(output, utterance_output);
    SAME_BITS(states, utterance_states);
    SAME_BITS(logits, utterance_logits);
    if (speaker != UTTERANCE_SPEAKER)
        fail("another speaker is found");
    print("C: speaker ");
    print_number((uint32_t)speaker);
    print(", as on the host to the last bit; ");
    print_number(instructions / UTTERANCE_TOKENS);
    print(" instructions for each token\n");
    STACK(prnn_model_new, &shape, speakers_panels, LENGTH(speakers_panels), PRNN_PANEL_FORMAT, &model);
    STACK(prnn_layout_from_sorted_size, &length, 1, sorted_lengths, &layout);
    STACK(prnn_pack_sequence, &layout, CHANNELS * sizeof(float), &sequence, 1, packed, sizeof packed);
    STACK(prnn_run, &model, &layout, packed, LENGTH(packed), &where, output, LENGTH(output), scratch, LENGTH(scratch));
}

static void step_by_step(const prnn_model *model)
{
    static float h[2][SPEECH_UNITS], c[SPEECH_UNITS], outputs[CLIP_TOKENS][SPEECH_UNITS], likely[CLIP_TOKENS];
    uint32_t instructions = 0, spoken = 0;
    for (size_t t = 0; t < CLIP_TOKENS; t++) {
        const float *token = clip + t * SPEECH_INPUTS, *before = h[t % 2];
        float *after = h[(t + 1) % 2], positive[SPEECH_UNITS];
        clock_begin();
        CALL(prnn_step, model, 1, token, SPEECH_INPUTS, before, SPEECH_UNITS, after, SPEECH_UNITS, c, SPEECH_UNITS);
        instructions += clock_end();
        memcpy(outputs[t], after, sizeof outputs[t]);
        for (size_t unit = 0; unit < SPEECH_UNITS; unit++)
            positive[unit] = after[unit] > 0 ? after[unit] : 0;
        likely[t] = linear(speech_weight, speech_bias[0], positive, SPEECH_UNITS);
        CALL(prnn_sigmoid, model->backend, &likely[t], 1);
        spoken += likely[t] > 0.5f;
    }
    SAME_BITS(outputs, clip_output);
    SAME_BITS(likely, clip_speech);
    SAME_BITS(h[CLIP_TOKENS % 2], clip_h);
    SAME_BITS(c, clip_c);
    print("C: ");
    print_number(spoken);
    print(" of ");
    print_number(CLIP_TOKENS);
    print(" tokens are speech, as on the host to the last bit; ");
    print_number(instructions / CLIP_TOKENS);
    print(" instructions for each step\n");
    STACK(prnn_step, model, 1, clip, SPEECH_INPUTS, h[0], SPEECH_UNITS, h[1], SPEECH_UNITS, c, SPEECH_UNITS);
    STACK(prnn_sigmoid, model->backend, likely, CLIP_TOKENS);
}

static void in_slices(const prnn_model *model)
{
    static const size_t length = CLIP_TOKENS;
    static const prnn_cuts cuts = {.tasks = 1};
    static float output[LENGTH(clip_output)], h[SPEECH_UNITS], c[SPEECH_UNITS];
    static uint32_t sorted_lengths[1];
    static prnn_task task;
    const prnn_states where = {0, 0, 0, 0, h, SPEECH_UNITS, c, SPEECH_UNITS};
    prnn_layout layout;
    size_t tasks = 0, slices = 0;
    uint32_t instructions = 0;
    bool done = false;

    CALL(prnn_layout_from_sorted_size, &length, 1, sorted_lengths, &layout);
    CALL(prnn_split, model, &layout, clip, LENGTH(clip), &where, output, LENGTH(output), 0, 0, &cuts, &task, 1, &tasks);
    for (; !done; slices++) {
        size_t left;
        CALL(prnn_task_steps_left, &task, &left);
        if (left != CLIP_TOKENS - SLICE * slices)
            fail("a slice has other steps than it was given");
        clock_begin();
        CALL(prnn_task_advance, &task, SLICE, &done);
        instructions += clock_end();
    }
    SAME_BITS(output, clip_output);
    SAME_BITS(h, clip_h);
    SAME_BITS(c, clip_c);
    print("C: in slices of ");
    print_number(SLICE);
    print(" steps: the same bits; ");
    print_number(instructions / CLIP_TOKENS);
    print(" instructions for each step\n");
    STACK(prnn_split, model, &layout, clip, LENGTH(clip), &where, output, LENGTH(output), 0, 0, &cuts, &task, 1, &tasks);
    STACK(prnn_task_advance, &task, SLICE, &done);
    STACK(prnn_task_steps_left, &task, &slices);
}

int main(void)
{
    static const prnn_shape shape = {PRNN_LSTM, PRNN_FORWARD, SPEECH_INPUTS, SPEECH_UNITS, 1};
    prnn_model model;
    speakers();
    CALL(prnn_model_new, &shape, speech_panels, LENGTH(speech_panels), PRNN_PANEL_FORMAT, &model);
    step_by_step(&model);
    in_slices(&model);
    return 0;
}
