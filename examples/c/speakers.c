/*
 * Who speaks? The Japanese Vowels test set through a trained two-layer bidirectional GRU, as one packed batch: the job of
 * examples/speakers.rs, with the same bits.
 *
 *     speakers [--dump FILE] [FOLDER]
 *
 * FOLDER holds the two files that are read (examples/data). --dump writes the final states and the logits to a file.
 */
#include "check.h"
#include "safetensors.h"

#include <math.h>

enum { CHANNELS = 12, UNITS = 32, LAYERS = 2, DIRECTIONS = 2, SPEAKERS = 9 };

static void *memory(size_t count, size_t size)
{
    void *all = calloc(count > 0 ? count : 1, size);
    if (all == NULL)
        st_fail("speakers", "no memory");
    return all;
}

static st_file open_in(const char *folder, const char *name)
{
    char path[4096];
    const int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path)
        st_fail(folder, "too long a path");
    return st_open(path);
}

/* The trained parameters by their PyTorch names, packed. */
static float *read_panels(const st_file *file, const prnn_shape *shape, size_t *panels_len)
{
    prnn_weights weights[LAYERS * DIRECTIONS];
    float *all[LENGTH(weights)][4];
    for (size_t i = 0; i < LENGTH(weights); i++) {
        static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
        const size_t inputs = i < DIRECTIONS ? CHANNELS : DIRECTIONS * UNITS;
        const size_t lens[] = {3 * UNITS * inputs, 3 * UNITS * UNITS, 3 * UNITS, 3 * UNITS};
        for (size_t part = 0; part < 4; part++) {
            char name[64];
            snprintf(name, sizeof name, "w.rnn.%s_l%zu%s", parts[part], i / DIRECTIONS, i % DIRECTIONS ? "_reverse" : "");
            all[i][part] = st_floats(file, name, lens[part]);
        }
        weights[i] = (prnn_weights){all[i][0], lens[0], all[i][1], lens[1], all[i][2], lens[2], all[i][3], lens[3]};
    }
    CALL(prnn_panels_len, shape, panels_len);
    float *panels = memory(*panels_len, sizeof *panels);
    CALL(prnn_panels_pack, shape, weights, LENGTH(weights), panels, *panels_len);
    for (size_t i = 0; i < LENGTH(weights); i++)
        for (size_t part = 0; part < 4; part++)
            free(all[i][part]);
    return panels;
}

/* The last layer's final states of both directions through the fully connected layer. */
static void classify(const float *hn, size_t batch, const float *weight, const float *bias, float *logits)
{
    const float *last = hn + DIRECTIONS * batch * UNITS;
    for (size_t b = 0; b < batch; b++)
        for (size_t speaker = 0; speaker < SPEAKERS; speaker++) {
            const float *row = weight + speaker * DIRECTIONS * UNITS;
            float sum = -0.0f;
            for (size_t direction = 0; direction < DIRECTIONS; direction++)
                for (size_t unit = 0; unit < UNITS; unit++)
                    sum += row[direction * UNITS + unit] * last[(direction * batch + b) * UNITS + unit];
            logits[b * SPEAKERS + speaker] = bias[speaker] + sum;
        }
}

static void dump(const char *path, const float *hn, size_t hn_len, const float *logits, size_t logits_len)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(hn, sizeof *hn, hn_len, file) != hn_len ||
        fwrite(logits, sizeof *logits, logits_len, file) != logits_len || fclose(file) != 0)
        st_fail(path, "cannot be written");
}

int main(int argc, char **argv)
{
    const char *folder = "examples/data", *to = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dump") != 0)
            folder = argv[i];
        else if (++i < argc)
            to = argv[i];
        else
            st_fail("--dump", "a file is missing");
    }
    st_file data = open_in(folder, "japanese_vowels_test.safetensors"), trained = open_in(folder, "bigru.safetensors");

    /* The utterances, one after another, and how long each is. */
    size_t batch, labels_len, tokens = 0;
    int32_t *lengths = st_ints(&data, "test.len", &batch), *labels = st_ints(&data, "test.y", &labels_len);
    if (labels_len != batch)
        st_fail("test.y", "not a label for each utterance");
    for (size_t b = 0; b < batch; b++) {
        if (lengths[b] < 0)
            st_fail("test.len", "a negative length");
        tokens += (size_t)lengths[b];
    }
    float *x = st_floats(&data, "test.x", tokens * CHANNELS);
    prnn_sequence *utterances = memory(batch, sizeof *utterances);
    size_t first = 0;
    for (size_t b = 0; b < batch; b++) {
        const size_t floats = (size_t)lengths[b] * CHANNELS;
        utterances[b] = (prnn_sequence){x + first, floats * sizeof *x};
        first += floats;
    }

    /* The model. */
    const prnn_shape shape = {PRNN_GRU, PRNN_BIDIRECTIONAL, CHANNELS, UNITS, LAYERS};
    size_t panels_len;
    float *panels = read_panels(&trained, &shape, &panels_len);
    float *fc_weight = st_floats(&trained, "w.fc.weight", SPEAKERS * DIRECTIONS * UNITS);
    float *fc_bias = st_floats(&trained, "w.fc.bias", SPEAKERS);
    float *expected = st_floats(&trained, "expected.test_logits", batch * SPEAKERS);
    prnn_model model;
    CALL(prnn_model_new, &shape, panels, panels_len, PRNN_PANEL_FORMAT, &model);

    /* Packed: just the tokens. */
    uint32_t *indices[3];
    for (size_t i = 0; i < 3; i++)
        indices[i] = memory(batch, sizeof *indices[i]);
    prnn_layout layout;
    CALL(prnn_layout_from_lengths_i32, lengths, batch, indices[0], indices[1], indices[2], &layout);
    size_t input_len, output_len, scratch_len, hn_len, steps;
    CALL(prnn_layout_steps, &layout, &steps);
    CALL(prnn_layout_packed_len, &layout, CHANNELS, &input_len);
    CALL(prnn_output_len, &model, &layout, &output_len);
    CALL(prnn_scratch_len, &model, &layout, &scratch_len);
    CALL(prnn_states_len, &model, batch, &hn_len);
    float *input = memory(input_len, sizeof(float)), *output = memory(output_len, sizeof(float));
    float *scratch = memory(scratch_len, sizeof(float)), *hn = memory(hn_len, sizeof(float));
    float *logits = memory(batch * SPEAKERS, sizeof(float));
    CALL(prnn_pack_sequence, &layout, CHANNELS * sizeof(float), utterances, batch, input, input_len * sizeof(float));
    const prnn_states states = {NULL, 0, NULL, 0, hn, hn_len, NULL, 0};
    CALL(prnn_run, &model, &layout, input, input_len, &states, output, output_len, scratch, scratch_len);
    classify(hn, batch, fc_weight, fc_bias, logits);

    /* How well. */
    size_t right = 0;
    float difference = 0.0f;
    for (size_t b = 0; b < batch; b++) {
        size_t best = 0;
        for (size_t speaker = 0; speaker < SPEAKERS; speaker++) {
            const size_t i = b * SPEAKERS + speaker;
            if (logits[i] >= logits[b * SPEAKERS + best])
                best = speaker;
            const float apart = fabsf(logits[i] - expected[i]);
            if (!(apart <= difference))
                difference = apart;
        }
        right += (int32_t)best == labels[b];
    }
    printf("Japanese Vowels: %zu utterances of %d channels, %d speakers\n", batch, CHANNELS, SPEAKERS);
    printf("  %zu tokens instead of %zu padded steps\n", layout.tokens, batch * steps);
    printf("2-layer bidirectional GRU, hidden size %d, backend %s\n", UNITS, prnn_backend_name(model.backend));
    printf("  accuracy packed                          %.1f %%\n", 100.0 * (double)right / (double)batch);
    printf("  largest difference from PyTorch's logits %.1e\n", (double)difference);
    if (to != NULL)
        dump(to, hn, hn_len, logits, batch * SPEAKERS);

    void *all[] = {lengths, labels, x,         utterances, panels, fc_weight, fc_bias, expected, indices[0],
                   indices[1], indices[2], input, output,     scratch, hn,       logits};
    for (size_t i = 0; i < LENGTH(all); i++)
        free(all[i]);
    st_close(&data);
    st_close(&trained);
    if (!(difference < 1e-5f)) {
        fprintf(stderr, "the logits differ from PyTorch's by more than 1e-5\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
