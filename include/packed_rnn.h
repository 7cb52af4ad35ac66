/*
 * packed-rnn: PyTorch's PackedSequence for every CPU. Batches of sequences of different lengths, packed, through LSTM, GRU
 * and RNN kernels. https://crates.io/crates/packed-rnn
 *
 * The library allocates nothing, starts no thread, prints nothing and keeps no state (that the CPU was asked which
 * backend it has is remembered). All memory is the caller's: plain structs and arrays with their lengths, on the stack,
 * static, or from anywhere; for each size there is a function that tells it. Any number of threads may call anything at
 * the same time, as long as none writes what another one uses.
 *
 * Every call checks its arguments before it writes anything: a null or misaligned pointer, one to more memory than there
 * can be, memory that is written and also another argument's, a wrong length or number gives a status other than PRNN_OK.
 * What cannot be checked is that a pointer points to as many elements as its length says. Where a length is 0, the pointer
 * may be null. Where null with a length of 0 stands for what is not given, only null does: another pointer with a length
 * of 0 is an array of no elements, and refused if there must be some or there can be none. Lengths are in elements, except
 * where a name ends in bytes.
 *
 * The last argument, error, receives the detail of a refusal; it may be null. prnn_error_text turns it into a sentence.
 *
 * A run:
 *
 *     prnn_shape shape = {PRNN_LSTM, PRNN_FORWARD, 12, 32, 1};   cell, direction, inputs, units, layers
 *     static float panels[PRNN_LSTM_PANELS_LEN(12, 32, 1, 1)];
 *     prnn_panels_pack(&shape, &weights, 1, panels, panels_len, &error);       once, here or on another machine
 *     prnn_model_new(&shape, panels, panels_len, PRNN_PANEL_FORMAT, &model, &error);
 *     prnn_layout_from_lengths_size(lengths, batch, sorted_lengths, sorted_indices, unsorted_indices, &layout, &error);
 *     prnn_pack_padded_sequence(&layout, &padded, tokens, tokens_bytes, input, input_bytes, &error);
 *     prnn_run(&model, &layout, input, input_len, &states, output, output_len, scratch, scratch_len, &error);
 *
 * This file is made of the library's source: do not edit it.
 */


#ifndef PACKED_RNN_H
#define PACKED_RNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/*
 * The floats of a network's panels as constants, for arrays that are static: what prnn_panels_len tells. directions is 1,
 * or 2 where a network is bidirectional.
 */
#define PRNN_LSTM_PANELS_LEN(input_size, hidden_size, num_layers, directions) \
    PRNN_PANELS_LEN_(4, 0, (size_t)(input_size), (size_t)(hidden_size), (size_t)(num_layers), (size_t)(directions))
#define PRNN_GRU_PANELS_LEN(input_size, hidden_size, num_layers, directions) \
    PRNN_PANELS_LEN_(3, 1, (size_t)(input_size), (size_t)(hidden_size), (size_t)(num_layers), (size_t)(directions))
#define PRNN_RNN_PANELS_LEN(input_size, hidden_size, num_layers, directions) \
    PRNN_PANELS_LEN_(1, 0, (size_t)(input_size), (size_t)(hidden_size), (size_t)(num_layers), (size_t)(directions))
/* All layers; one panel, of g gates, with a state bias apart (a) or not; the zeros at its end. */
#define PRNN_PANELS_LEN_(g, a, i, h, l, d) \
    ((d) * (PRNN_PANEL_LEN_(g, a, i, h) + ((l) - 1) * PRNN_PANEL_LEN_(g, a, (d) * (h), h)))
#define PRNN_PANEL_LEN_(g, a, i, h) ((g) * (h) * (1 + (i) + (h)) + (a) * (h) + PRNN_PANEL_END_((g) * ((h) % 16)))
#define PRNN_PANEL_END_(tail) ((16 - (tail) % 16) % 16)


/* The version of the library whose header this is. */
#define PRNN_VERSION_MAJOR 0

/* The second number of the version. */
#define PRNN_VERSION_MINOR 1

/* The third number of the version. */
#define PRNN_VERSION_PATCH 0

/* The format of panels that programs compiled with this header hold. */
#define PRNN_PANEL_FORMAT 1

/* The words in a task. */
#define PRNN_TASK_WORDS 128

/*
 * What was wrong. The numbers are stable; 0 is left for success in C. Of rows that are given in bytes, elements and
 * features are bytes.
 */
enum prnn_code
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /* Not the one number of elements that fits the other arguments (expected). */
    PRNN_CODE_WRONG_LEN = 1,
    /* Fewer elements of scratch than the function says that tells its size (expected). */
    PRNN_CODE_TOO_SHORT = 2,
    /* A length, count or index is negative. */
    PRNN_CODE_NEGATIVE = 3,
    /* The sequence at index is longer than the padded time axis (expected steps). */
    PRNN_CODE_BEYOND_TIME = 4,
    /* The number of sequences, layers or indices does not match the other arguments. */
    PRNN_CODE_WRONG_COUNT = 5,
    /* batch_sizes grows at index; it may only stay or fall. */
    PRNN_CODE_INCREASING = 6,
    /* A size that must be at least 1 is 0 (an entry of batch_sizes at index, a size of the model, a number of tasks). */
    PRNN_CODE_ZERO = 7,
    /* The indices are no permutation: the entry at index is out of range or appears twice. */
    PRNN_CODE_NOT_PERMUTATION = 8,
    /*
     * The lengths are not in decreasing order, although that was demanded: the one at index is longer than the
     * one before it (expected).
     */
    PRNN_CODE_NOT_SORTED = 9,
    /*
     * A number that is too large to be counted with on this target, or memory that is too large to be addressed. A size
     * that a function tells can be counted; memory of this size may still be too large, and is refused where it is given.
     */
    PRNN_CODE_OVERFLOW = 10,
    /* The sequence at index is no whole number of rows of expected features. */
    PRNN_CODE_NOT_ROWS = 11,
    /* total_length, the padded time axis, is shorter than the longest sequence (expected). */
    PRNN_CODE_TOTAL_LENGTH = 12,
    /* An option that this function or this cell cannot honour. */
    PRNN_CODE_UNSUPPORTED = 13,
    /*
     * No task can begin at the place at index. It is below expected, the first that can follow the place before (or
     * place 0, where a task begins anyway); or it is beyond expected, the last of the batch.
     */
    PRNN_CODE_NOT_A_CUT = 14,
    /* A null pointer where memory was expected. This and the codes below are for what only C can do wrong. */
    PRNN_CODE_NULL = 15,
    /* A pointer's address is no multiple of what its type needs (expected); found is what is left over. */
    PRNN_CODE_MISALIGNED = 16,
    /*
     * Two arguments share memory, and at least one of them is written: this one and the one whose number is found. Of
     * an entry of a list, which index tells, this is the list; else it is the one that is written, or the later.
     */
    PRNN_CODE_OVERLAP = 17,
    /*
     * A number that stands for nothing (found; known are those from 0 to below expected), a name of no backend, or the
     * number or name of one that this CPU does not have (expected is then 0, as there is no such bound).
     */
    PRNN_CODE_UNKNOWN = 18,
    /* The program was compiled for panels of another format (found) than this library reads (expected). */
    PRNN_CODE_PANEL_FORMAT = 19,
    /* No task was made there, or it was moved from where it was made. */
    PRNN_CODE_NOT_A_TASK = 20,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum prnn_code prnn_code;
#else
typedef int32_t prnn_code;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 * Which argument was wrong: the parameter of this name, or the field of a struct among them; of a function that tells a
 * size, also what has this size. Two names are wider, as is told at them.
 */
enum prnn_argument
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /* lengths, or those of a layout that do not fit the other arguments. */
    PRNN_ARGUMENT_LENGTHS = 1,
    PRNN_ARGUMENT_BATCH_SIZES = 2,
    PRNN_ARGUMENT_SORTED_LENGTHS = 3,
    PRNN_ARGUMENT_SORTED_INDICES = 4,
    PRNN_ARGUMENT_UNSORTED_INDICES = 5,
    PRNN_ARGUMENT_PERMUTATION = 6,
    PRNN_ARGUMENT_PADDED = 7,
    /* features, or row_bytes of functions that have this instead. */
    PRNN_ARGUMENT_FEATURES = 8,
    PRNN_ARGUMENT_SEQUENCES = 9,
    PRNN_ARGUMENT_INPUT = 10,
    PRNN_ARGUMENT_OUTPUT = 11,
    PRNN_ARGUMENT_WEIGHTS = 12,
    PRNN_ARGUMENT_WEIGHT_IH = 13,
    PRNN_ARGUMENT_WEIGHT_HH = 14,
    PRNN_ARGUMENT_BIAS_IH = 15,
    PRNN_ARGUMENT_BIAS_HH = 16,
    PRNN_ARGUMENT_PANELS = 17,
    PRNN_ARGUMENT_H0 = 18,
    PRNN_ARGUMENT_C0 = 19,
    PRNN_ARGUMENT_HN = 20,
    PRNN_ARGUMENT_CN = 21,
    PRNN_ARGUMENT_H_IN = 22,
    PRNN_ARGUMENT_H_OUT = 23,
    PRNN_ARGUMENT_H = 24,
    PRNN_ARGUMENT_C = 25,
    PRNN_ARGUMENT_SCRATCH = 26,
    PRNN_ARGUMENT_INPUT_SIZE = 27,
    PRNN_ARGUMENT_HIDDEN_SIZE = 28,
    PRNN_ARGUMENT_NUM_LAYERS = 29,
    PRNN_ARGUMENT_DIRECTION = 30,
    PRNN_ARGUMENT_BATCH = 31,
    PRNN_ARGUMENT_TASKS = 32,
    PRNN_ARGUMENT_PLACES = 33,
    PRNN_ARGUMENT_TOKENS = 34,
    PRNN_ARGUMENT_LAYOUT = 35,
    PRNN_ARGUMENT_SHAPE = 36,
    PRNN_ARGUMENT_CELL = 37,
    PRNN_ARGUMENT_MODEL = 38,
    PRNN_ARGUMENT_PANEL_FORMAT = 39,
    PRNN_ARGUMENT_BACKEND = 40,
    PRNN_ARGUMENT_NAME = 41,
    PRNN_ARGUMENT_STATES = 42,
    PRNN_ARGUMENT_CUTS = 43,
    PRNN_ARGUMENT_TASK = 44,
    PRNN_ARGUMENT_FILL = 45,
    PRNN_ARGUMENT_PADDING_VALUE = 46,
    PRNN_ARGUMENT_LAYER = 47,
    PRNN_ARGUMENT_VALUES = 48,
    PRNN_ARGUMENT_RESULT = 49,
    PRNN_ARGUMENT_ERROR = 50,
    PRNN_ARGUMENT_ORDER = 51,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum prnn_argument prnn_argument;
#else
typedef int32_t prnn_argument;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/*
 * Why a call was refused. On success it is left as it was. It is written where the status is not PRNN_OK, unless the
 * place for it is what was wrong (misaligned, or memory of another argument): then only the status tells.
 */
typedef struct {
    /* What was wrong: a prnn_code, the same as the status. */
    int32_t code;
    /* Which argument: a prnn_argument. */
    int32_t argument;
    /*
     * Where in it: the sequence in the caller's order, or the entry of a list. SIZE_MAX where the argument as a whole
     * is meant.
     */
    size_t index;
    /* The value that was found. Values beyond INT64_MAX are given as INT64_MAX. */
    int64_t found;
    /* The value, or the bound, that was expected. */
    int64_t expected;
} prnn_error;

/*
 * How a call ended: PRNN_OK, or a prnn_code that says what was wrong. After any other than PRNN_OK, outputs, states and
 * panels are untouched (index arrays of a layout may hold anything).
 */
typedef int32_t prnn_status;

/*
 * A packed batch: which sequence stands where, and how many run at each step. Made by prnn_layout_from_...; small
 * enough to be copied. The arrays are the caller's and must stay as they are; every function that is given a layout
 * checks them anew.
 *
 * Errors, wherever one is given: sorted_lengths: PRNN_CODE_NOT_SORTED, PRNN_CODE_OVERFLOW (a length or a batch beyond
 * INT32_MAX, or the sum); tokens: PRNN_CODE_WRONG_COUNT if it is not the sum of the lengths; sorted_indices:
 * PRNN_CODE_NOT_PERMUTATION, also where unsorted_indices is not the inverse; either of them: PRNN_CODE_NULL where the other
 * is not null. The index is the place.
 */
typedef struct {
    /* The lengths in sorted order, the longest first: batch entries. The first is the number of steps. */
    const uint32_t *sorted_lengths;
    /* The caller's sequence at each place of the packed batch; null where each is at its own place. */
    const uint32_t *sorted_indices;
    /* The place of each of the caller's sequences; null where sorted_indices is. */
    const uint32_t *unsorted_indices;
    /* The number of sequences, those of length 0 included. */
    size_t batch;
    /* The number of tokens: the sum of the lengths, the rows of the packed batch. */
    size_t tokens;
} prnn_layout;

/* Which recurrent cell: PRNN_LSTM, PRNN_GRU, PRNN_RNN_TANH or PRNN_RNN_RELU. */
typedef int32_t prnn_cell;

/* Which way a layer walks along time: PRNN_FORWARD, PRNN_REVERSE or PRNN_BIDIRECTIONAL. */
typedef int32_t prnn_direction;

/*
 * The cell and the sizes of a network: PyTorch's module arguments. Below, G is the number of its gates (LSTM 4, GRU 3,
 * RNN 1), I the input_size, H the hidden_size, L the num_layers, D the number of directions (1 or 2), B a number of
 * sequences.
 */
typedef struct {
    /* Which cell. */
    prnn_cell cell;
    /* Forward, reverse, or both. */
    prnn_direction direction;
    /* Features of the input, I. */
    size_t input_size;
    /* Features of a state, H. */
    size_t hidden_size;
    /* Layers, each on the outputs of the one before: L. */
    size_t num_layers;
} prnn_shape;

/* The parameters of one layer in one direction, just as PyTorch stores them: row-major, the gates one after another. */
typedef struct {
    /* weight_ih_l{k}: [G * H, I], or [G * H, D * H] from the second layer on. */
    const float *weight_ih;
    /* The floats of weight_ih. */
    size_t weight_ih_len;
    /* weight_hh_l{k}: [G * H, H]. */
    const float *weight_hh;
    /* The floats of weight_hh. */
    size_t weight_hh_len;
    /* bias_ih_l{k}: [G * H]; null with a length of 0 is zeros (PyTorch's bias=False). */
    const float *bias_ih;
    /* The floats of bias_ih. */
    size_t bias_ih_len;
    /* bias_hh_l{k}: [G * H]; null with a length of 0 is zeros. */
    const float *bias_hh;
    /* The floats of bias_hh. */
    size_t bias_hh_len;
} prnn_weights;

/* A way to run the kernels: a number that prnn_backend_detect or prnn_backend_by_name gave. */
typedef int32_t prnn_backend;

/*
 * A network over the caller's panels: PyTorch's nn.LSTM, nn.GRU, nn.RNN in eval. Made by prnn_model_new; small enough
 * to be copied, and any number of threads may use it. The panels stay where they are, in flash if need be.
 *
 * Errors, wherever one is given: cell, direction, backend: PRNN_CODE_UNKNOWN; input_size, hidden_size, num_layers:
 * PRNN_CODE_ZERO; panels: PRNN_CODE_WRONG_LEN, PRNN_CODE_OVERFLOW; panel_format: PRNN_CODE_PANEL_FORMAT.
 */
typedef struct {
    /* The cell and the sizes. */
    prnn_shape shape;
    /* The packed weights. */
    const float *panels;
    /* The floats of panels: what prnn_panels_len tells. */
    size_t panels_len;
    /* The format of the panels: PRNN_PANEL_FORMAT of the program. */
    uint32_t panel_format;
    /* How the kernels are run: the fastest of this CPU, until it is set to another. */
    prnn_backend backend;
} prnn_model;

/*
 * The states of a run, L * D * B * H floats each: layer after layer, within a layer forward before reverse, and within a
 * direction in the caller's order of sequences.
 */
typedef struct {
    /* The states to begin with; null with a length of 0 gives the bits of zeros. */
    const float *h0;
    /* The floats of h0. */
    size_t h0_len;
    /* The cell states to begin with (LSTM only); null with a length of 0 gives the bits of zeros. */
    const float *c0;
    /* The floats of c0. */
    size_t c0_len;
    /*
     * Receives the states after each sequence's last token (reverse: its first). A sequence of length 0 keeps its
     * initial state.
     */
    float *hn;
    /* The floats of hn. */
    size_t hn_len;
    /* Receives the cell states (LSTM only; else null with a length of 0). */
    float *cn;
    /* The floats of cn. */
    size_t cn_len;
} prnn_states;

/* The shape of a padded rectangle: [steps, B] rows, or [B, steps] where batch_first is not 0. */
typedef struct {
    /* The time axis, padding included: PyTorch's total_length when a batch is padded. */
    size_t steps;
    /* Bytes of one token: its features times their size, 4 for a float. */
    size_t row_bytes;
    /* Not 0: [B, steps] instead of [steps, B]. */
    int32_t batch_first;
    /* Not 0: the padding stands before the tokens instead of behind them, PyTorch's padding_side="left". */
    int32_t left;
} prnn_padded;

/* What a padded step holds: PRNN_FILL_VALUE or PRNN_FILL_LAST. */
typedef int32_t prnn_fill;

/* One sequence to read: its tokens, one after another. */
typedef struct {
    /* The first byte. */
    const void *data;
    /* Its length in bytes. */
    size_t bytes;
} prnn_sequence;

/* One sequence to write. */
typedef struct {
    /* The first byte. */
    void *data;
    /* Its length in bytes. */
    size_t bytes;
} prnn_sequence_mut;

/* How a run is split into tasks: by rows of the sorted batch. */
typedef struct {
    /* Into at most so many tasks, cut so that the dearest costs as little as can be; 0 where places are given. */
    size_t tasks;
    /*
     * Or: a task begins at place 0 of the sorted batch, and at each of these, which grow and are within the batch. Null
     * with a length of 0 where tasks is given.
     */
    const size_t *places;
    /* The entries of places. */
    size_t places_len;
    /*
     * Not 0: each of them as one task for each direction. Only a network of one layer can be split so;
     * prnn_model_layer gives a stacked network's layers one by one.
     */
    int32_t by_direction;
} prnn_cuts;

/*
 * Some rows of a run, made by prnn_split. What is in it is the library's own. It must stay where it was made: one that
 * was copied or moved is refused, as two of them would write the same rows; that one was copied away and back to its
 * place is not noticed. One thread at a time may use it.
 *
 * A split that is made where tasks of an earlier one are ends those: entries of the array beyond the new tasks are no
 * tasks any more. One that is refused leaves them as they were. An array of zeros holds no task.
 */
typedef struct {
    /* Tells that a task was made here. */
    size_t tag;
    /* The task. */
    size_t words[PRNN_TASK_WORDS];
} prnn_task;

/* A range: from first to before end. */
typedef struct {
    /* The first. */
    size_t first;
    /* The one behind the last. */
    size_t end;
} prnn_range;

/* The call did what it says. */
#define PRNN_OK 0

/* PyTorch's nn.LSTM: gates i, f, g, o. */
#define PRNN_LSTM 0

/* PyTorch's nn.GRU: gates r, z, n. */
#define PRNN_GRU 1

/* PyTorch's nn.RNN. */
#define PRNN_RNN_TANH 2

/* PyTorch's nn.RNN with nonlinearity="relu". */
#define PRNN_RNN_RELU 3

/* From the first token to the last. */
#define PRNN_FORWARD 0

/* From each sequence's own last token to its first; outputs stay at their token. */
#define PRNN_REVERSE 1

/* Both, their outputs side by side: PyTorch's bidirectional=True. */
#define PRNN_BIDIRECTIONAL 2

/* The padding value in every element: PyTorch's padding_value. */
#define PRNN_FILL_VALUE 0

/* The row before it, as Keras leaves a masked step; the padding value where there is none. */
#define PRNN_FILL_LAST 1

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* The version of the library that is linked: major * 1000000 + minor * 1000 + patch. */
uint32_t prnn_version(void);

/* The format of panels that the linked library reads; prnn_model_new compares it with PRNN_PANEL_FORMAT. */
uint32_t prnn_panel_format(void);

/*
 * Writes the text of an error, such as lengths[1]: -1 is negative, into a buffer.
 *
 * As snprintf does: at most buffer_len bytes are written, the last of them 0, and the length that the whole text has
 * without it is returned, so that a call with a buffer_len of 0 tells how much is needed. Nothing is wrong with a null
 * pointer for error: the text then says that there is none.
 */
size_t prnn_error_text(const prnn_error *error, char *buffer, size_t buffer_len);

/*
 * A layout of lengths in any order (PyTorch's enforce_sorted=False), one for each of batch sequences.
 *
 * sorted_lengths, sorted_indices and unsorted_indices have batch entries each; they are filled, and the layout goes on
 * using them. Sequences of one length stay in the caller's order. Time: one pass if the lengths are sorted already, else
 * O(B^1.5) at most.
 *
 * Errors: lengths: PRNN_CODE_NEGATIVE, PRNN_CODE_OVERFLOW (a length beyond INT32_MAX, or the sum).
 */
prnn_status prnn_layout_from_lengths_size(const size_t *lengths,
                                          size_t batch,
                                          uint32_t *sorted_lengths,
                                          uint32_t *sorted_indices,
                                          uint32_t *unsorted_indices,
                                          prnn_layout *layout,
                                          prnn_error *error);

/* As prnn_layout_from_lengths_size, of int32_t. */
prnn_status prnn_layout_from_lengths_i32(const int32_t *lengths,
                                         size_t batch,
                                         uint32_t *sorted_lengths,
                                         uint32_t *sorted_indices,
                                         uint32_t *unsorted_indices,
                                         prnn_layout *layout,
                                         prnn_error *error);

/* As prnn_layout_from_lengths_size, of int64_t, PyTorch's own type. */
prnn_status prnn_layout_from_lengths_i64(const int64_t *lengths,
                                         size_t batch,
                                         uint32_t *sorted_lengths,
                                         uint32_t *sorted_indices,
                                         uint32_t *unsorted_indices,
                                         prnn_layout *layout,
                                         prnn_error *error);

/*
 * A layout of lengths that are in decreasing order already (PyTorch's enforce_sorted=True), one for each of batch
 * sequences. sorted_lengths has batch entries; they are filled, and the layout goes on using them.
 *
 * Errors: as prnn_layout_from_lengths_size, and lengths: PRNN_CODE_NOT_SORTED.
 */
prnn_status prnn_layout_from_sorted_size(const size_t *lengths,
                                         size_t batch,
                                         uint32_t *sorted_lengths,
                                         prnn_layout *layout,
                                         prnn_error *error);

/* As prnn_layout_from_sorted_size, of int32_t. */
prnn_status prnn_layout_from_sorted_i32(const int32_t *lengths,
                                        size_t batch,
                                        uint32_t *sorted_lengths,
                                        prnn_layout *layout,
                                        prnn_error *error);

/* As prnn_layout_from_sorted_size, of int64_t. */
prnn_status prnn_layout_from_sorted_i64(const int64_t *lengths,
                                        size_t batch,
                                        uint32_t *sorted_lengths,
                                        prnn_layout *layout,
                                        prnn_error *error);

/*
 * A layout of a packed batch that came with its batch_sizes, and perhaps with PyTorch's sorted_indices (else null).
 *
 * There are batch sequences: at least batch_sizes[0]; those beyond have length 0. sorted_lengths has batch entries. If
 * sorted_indices is given, so are order, to which it is copied, and unsorted_indices, each of batch entries. The layout
 * goes on using these three; batch_sizes and sorted_indices may go.
 *
 * Errors: batch_sizes: PRNN_CODE_ZERO, PRNN_CODE_INCREASING, PRNN_CODE_NEGATIVE, PRNN_CODE_OVERFLOW; sorted_lengths:
 * PRNN_CODE_WRONG_COUNT if batch is below batch_sizes[0]; sorted_indices: PRNN_CODE_NOT_PERMUTATION, PRNN_CODE_NEGATIVE,
 * PRNN_CODE_OVERFLOW.
 */
prnn_status prnn_layout_from_batch_sizes_size(const size_t *batch_sizes,
                                              size_t batch_sizes_len,
                                              const size_t *sorted_indices,
                                              size_t batch,
                                              uint32_t *sorted_lengths,
                                              uint32_t *order,
                                              uint32_t *unsorted_indices,
                                              prnn_layout *layout,
                                              prnn_error *error);

/* As prnn_layout_from_batch_sizes_size, of int32_t. */
prnn_status prnn_layout_from_batch_sizes_i32(const int32_t *batch_sizes,
                                             size_t batch_sizes_len,
                                             const int32_t *sorted_indices,
                                             size_t batch,
                                             uint32_t *sorted_lengths,
                                             uint32_t *order,
                                             uint32_t *unsorted_indices,
                                             prnn_layout *layout,
                                             prnn_error *error);

/* As prnn_layout_from_batch_sizes_size, of int64_t, PyTorch's own type. */
prnn_status prnn_layout_from_batch_sizes_i64(const int64_t *batch_sizes,
                                             size_t batch_sizes_len,
                                             const int64_t *sorted_indices,
                                             size_t batch,
                                             uint32_t *sorted_lengths,
                                             uint32_t *order,
                                             uint32_t *unsorted_indices,
                                             prnn_layout *layout,
                                             prnn_error *error);

/*
 * Tells the number of steps: the longest length.
 *
 * Errors: those of prnn_layout.
 */
prnn_status prnn_layout_steps(const prnn_layout *layout, size_t *result, prnn_error *error);

/*
 * Tells PyTorch's batch_sizes[t]: how many sequences are longer than t; 0 from the last step on.
 *
 * Errors: those of prnn_layout.
 */
prnn_status prnn_layout_batch_size(const prnn_layout *layout, size_t t, size_t *result, prnn_error *error);

/*
 * Tells the packed row at which step t begins: the number of tokens before it. The token of the sequence at place b is
 * row offset + b.
 *
 * Errors: those of prnn_layout.
 */
prnn_status prnn_layout_offset(const prnn_layout *layout, size_t t, size_t *result, prnn_error *error);

/*
 * Tells the elements of a packed batch with rows of features: tokens * features.
 *
 * Errors: features: PRNN_CODE_OVERFLOW; and those of prnn_layout.
 */
prnn_status prnn_layout_packed_len(const prnn_layout *layout, size_t features, size_t *result, prnn_error *error);

/*
 * Writes PyTorch's batch_sizes, as many entries as there are steps.
 *
 * Errors: batch_sizes: PRNN_CODE_WRONG_COUNT; and those of prnn_layout.
 */
prnn_status prnn_layout_batch_sizes(const prnn_layout *layout,
                                    uint32_t *batch_sizes,
                                    size_t batch_sizes_len,
                                    prnn_error *error);

/*
 * Writes the lengths in the caller's order, an entry for each sequence.
 *
 * Errors: lengths: PRNN_CODE_WRONG_COUNT; and those of prnn_layout.
 */
prnn_status prnn_layout_lengths(const prnn_layout *layout, uint32_t *lengths, size_t lengths_len, prnn_error *error);

/*
 * Tells the floats of a network's panels: all parameters, each pair of biases as its sum where it can be summed, and
 * up to 15 zeros for each layer and direction. PRNN_LSTM_PANELS_LEN and its like tell the same to the compiler.
 *
 * Errors: cell, direction: PRNN_CODE_UNKNOWN; input_size, hidden_size, num_layers: PRNN_CODE_ZERO; panels:
 * PRNN_CODE_OVERFLOW.
 */
prnn_status prnn_panels_len(const prnn_shape *shape, size_t *result, prnn_error *error);

/*
 * Packs weights into panels, of which prnn_panels_len tells the floats; any alignment of floats works, one of 64 bytes
 * is the fastest.
 *
 * weights has L * D entries, in PyTorch's order: _l0, _l0_reverse, _l1, ...
 *
 * Errors: as prnn_panels_len; panels: PRNN_CODE_WRONG_LEN; weights: PRNN_CODE_WRONG_COUNT; weight_ih, weight_hh,
 * bias_ih, bias_hh: PRNN_CODE_WRONG_LEN, the index is that of the entry.
 */
prnn_status prnn_panels_pack(const prnn_shape *shape,
                             const prnn_weights *weights,
                             size_t weights_len,
                             float *panels,
                             size_t panels_len,
                             prnn_error *error);

/*
 * Makes a model over panels that were packed before, on this or another machine, for the fastest backend of this CPU.
 *
 * panel_format is PRNN_PANEL_FORMAT, or the one that was stored with the panels: a library that reads another refuses.
 *
 * Errors: as prnn_panels_len; panels: PRNN_CODE_WRONG_LEN; panel_format: PRNN_CODE_PANEL_FORMAT.
 */
prnn_status prnn_model_new(const prnn_shape *shape,
                           const float *panels,
                           size_t panels_len,
                           uint32_t panel_format,
                           prnn_model *model,
                           prnn_error *error);

/*
 * Makes one layer of a network a network of its own, over the same panels, on the same backend. Its input is that of the
 * network for layer 0, else the output of the layer before; its states are the D * B * H floats of this layer among the
 * network's.
 *
 * Errors: those of prnn_model; layer: PRNN_CODE_WRONG_COUNT from num_layers on.
 */
prnn_status prnn_model_layer(const prnn_model *model,
                             size_t layer,
                             prnn_model *result,
                             prnn_error *error);

/* The fastest backend of this CPU. It asks the CPU once and remembers the answer. */
prnn_backend prnn_backend_detect(void);

/* The name of a backend of this CPU, "avx512", "avx2", "neon" or "portable"; null for a number that is none. */
const char *prnn_backend_name(prnn_backend backend);

/*
 * Tells the backend of a name, to be set as that of a model. All of avx512, avx2 and neon give the same bits; portable
 * gives others, the same on every CPU, which every CPU has.
 *
 * Errors: name: PRNN_CODE_UNKNOWN if there is no such backend, or this CPU does not have it.
 */
prnn_status prnn_backend_by_name(const char *name, prnn_backend *result, prnn_error *error);

/*
 * Runs a network over a packed batch and keeps every output.
 *
 * input is packed, [tokens, I]; output receives [tokens, D * H], packed. scratch has at least the floats that
 * prnn_scratch_len tells, which may hold anything, and those of prnn_ahead_len more to be faster where few sequences
 * run; what is in them afterwards has no meaning.
 *
 * Errors: input, output, h0, c0, hn, cn: PRNN_CODE_WRONG_LEN; c0: PRNN_CODE_UNSUPPORTED for a cell that has no second
 * state; scratch: PRNN_CODE_TOO_SHORT; a size that cannot be counted: PRNN_CODE_OVERFLOW; and those of prnn_model
 * and of prnn_layout.
 */
prnn_status prnn_run(const prnn_model *model,
                     const prnn_layout *layout,
                     const float *input,
                     size_t input_len,
                     const prnn_states *states,
                     float *output,
                     size_t output_len,
                     float *scratch,
                     size_t scratch_len,
                     prnn_error *error);

/*
 * Runs a network over a packed batch and keeps only the last states, in hn and cn.
 *
 * As prnn_run, with at least the floats of scratch that prnn_last_scratch_len tells, and those of prnn_ahead_len more to
 * be faster where few sequences run.
 */
prnn_status prnn_run_last(const prnn_model *model,
                          const prnn_layout *layout,
                          const float *input,
                          size_t input_len,
                          const prnn_states *states,
                          float *scratch,
                          size_t scratch_len,
                          prnn_error *error);

/*
 * Makes one step of batch streams, with the states apart: PyTorch's nn.LSTMCell and its like, of any number of layers.
 *
 * input is [B, I]; h_in and h_out are [L, B, H], and so is an LSTM's c, which is updated in place (for other cells it is
 * null with a length of 0). The output is the last layer of h_out. Where one array is to be both h_in and h_out, use
 * prnn_step_in_place.
 *
 * Errors: direction: PRNN_CODE_UNSUPPORTED unless forward; input, h_in, h_out, c: PRNN_CODE_WRONG_LEN; batch, input:
 * PRNN_CODE_OVERFLOW; and those of prnn_model.
 */
prnn_status prnn_step(const prnn_model *model,
                      size_t batch,
                      const float *input,
                      size_t input_len,
                      const float *h_in,
                      size_t h_in_len,
                      float *h_out,
                      size_t h_out_len,
                      float *c,
                      size_t c_len,
                      prnn_error *error);

/*
 * Makes one step of batch streams, with the states in place; scratch has at least as many floats as h.
 *
 * Errors: as prnn_step, for h; scratch: PRNN_CODE_TOO_SHORT.
 */
prnn_status prnn_step_in_place(const prnn_model *model,
                               size_t batch,
                               const float *input,
                               size_t input_len,
                               float *h,
                               size_t h_len,
                               float *c,
                               size_t c_len,
                               float *scratch,
                               size_t scratch_len,
                               prnn_error *error);

/*
 * Tells the floats of hn, and of an LSTM's cn: L * D * B * H; of a step those of h_in, h_out and c.
 *
 * Errors: batch: PRNN_CODE_OVERFLOW; and those of prnn_model.
 */
prnn_status prnn_states_len(const prnn_model *model, size_t batch, size_t *result, prnn_error *error);

/*
 * Tells the floats of scratch beyond the needed that make steps of few sequences faster, where a CPU has vectors. The
 * bits are the same with and without.
 *
 * Errors: those of prnn_model.
 */
prnn_status prnn_ahead_len(const prnn_model *model, size_t *result, prnn_error *error);

/*
 * Tells the floats of a run's output: tokens * D * H.
 *
 * Errors: output: PRNN_CODE_OVERFLOW; and those of prnn_model and of prnn_layout.
 */
prnn_status prnn_output_len(const prnn_model *model, const prnn_layout *layout, size_t *result, prnn_error *error);

/*
 * Tells the floats of scratch that prnn_run needs: the outputs of a layer between two, none for a single layer.
 *
 * Errors: as prnn_output_len.
 */
prnn_status prnn_scratch_len(const prnn_model *model, const prnn_layout *layout, size_t *result, prnn_error *error);

/*
 * Tells the floats of scratch that prnn_run_last needs: the states of a layer, and the outputs of one or two between.
 *
 * Errors: scratch: PRNN_CODE_OVERFLOW; and those of prnn_model and of prnn_layout.
 */
prnn_status prnn_last_scratch_len(const prnn_model *model,
                                  const prnn_layout *layout,
                                  size_t *result,
                                  prnn_error *error);

/*
 * Tells the estimated cost of a run on one thread, in multiply-adds of a run of many rows: a token that runs alone counts
 * for more than one among others.
 *
 * Errors: those of prnn_model and of prnn_layout.
 */
prnn_status prnn_cost(const prnn_model *model,
                      const prnn_layout *layout,
                      uint64_t *result,
                      prnn_error *error);

/*
 * Packs a padded rectangle: PyTorch's pack_padded_sequence.
 *
 * input is the rectangle that padded describes, output the packed batch: tokens * row_bytes, the tokens of each step one
 * after another, the longest sequence first. Padding is not read.
 *
 * Errors, sizes in bytes: lengths (the layout's): PRNN_CODE_BEYOND_TIME (the index is the caller's sequence); padded:
 * PRNN_CODE_OVERFLOW; input, output: PRNN_CODE_WRONG_LEN; and those of prnn_layout.
 */
prnn_status prnn_pack_padded_sequence(const prnn_layout *layout,
                                      const prnn_padded *padded,
                                      const void *input,
                                      size_t input_bytes,
                                      void *output,
                                      size_t output_bytes,
                                      prnn_error *error);

/*
 * Pads a packed batch: PyTorch's pad_packed_sequence.
 *
 * input is the packed batch, output receives the rectangle that padded describes, in the caller's order. fill and
 * padding_value say what the padding holds: a value of padding_value_bytes, of which rows are whole numbers, such as one
 * float; null with 0 bytes is zeros.
 *
 * Errors, sizes in bytes: padded: PRNN_CODE_TOTAL_LENGTH, PRNN_CODE_OVERFLOW; input, output: PRNN_CODE_WRONG_LEN; fill:
 * PRNN_CODE_UNKNOWN; padding_value: PRNN_CODE_WRONG_LEN; and those of prnn_layout.
 */
prnn_status prnn_pad_packed_sequence(const prnn_layout *layout,
                                     const prnn_padded *padded,
                                     const void *input,
                                     size_t input_bytes,
                                     prnn_fill fill,
                                     const void *padding_value,
                                     size_t padding_value_bytes,
                                     void *output,
                                     size_t output_bytes,
                                     prnn_error *error);

/*
 * Packs ragged sequences, each in memory of its own: PyTorch's pack_sequence, without a padded copy between. They are in
 * the caller's order and hold length * row_bytes bytes each.
 *
 * Errors, sizes in bytes: sequences: PRNN_CODE_WRONG_COUNT, PRNN_CODE_WRONG_LEN (the index is the caller's sequence);
 * features (which is row_bytes): PRNN_CODE_OVERFLOW; output: PRNN_CODE_WRONG_LEN; and those of prnn_layout.
 */
prnn_status prnn_pack_sequence(const prnn_layout *layout,
                               size_t row_bytes,
                               const prnn_sequence *sequences,
                               size_t sequences_len,
                               void *output,
                               size_t output_bytes,
                               prnn_error *error);

/*
 * Gives each sequence of a packed batch back into memory of its own: PyTorch's unpack_sequence, without a padded copy
 * between.
 *
 * Errors, sizes in bytes: sequences: PRNN_CODE_WRONG_COUNT, PRNN_CODE_WRONG_LEN (the index is the caller's sequence);
 * features (which is row_bytes): PRNN_CODE_OVERFLOW; input: PRNN_CODE_WRONG_LEN; and those of prnn_layout.
 */
prnn_status prnn_unpack_sequence(const prnn_layout *layout,
                                 size_t row_bytes,
                                 const void *input,
                                 size_t input_bytes,
                                 const prnn_sequence_mut *sequences,
                                 size_t sequences_len,
                                 prnn_error *error);

/*
 * Pads ragged sequences: PyTorch's pad_sequence, with both padding sides. Each holds a whole number of rows; padded.steps
 * is at least the longest. fill and padding_value are those of prnn_pad_packed_sequence.
 *
 * Errors, sizes in bytes: sequences: PRNN_CODE_NOT_ROWS, PRNN_CODE_BEYOND_TIME; padded: PRNN_CODE_OVERFLOW; output:
 * PRNN_CODE_WRONG_LEN; fill: PRNN_CODE_UNKNOWN; padding_value: PRNN_CODE_WRONG_LEN.
 */
prnn_status prnn_pad_sequence(const prnn_padded *padded,
                              const prnn_sequence *sequences,
                              size_t sequences_len,
                              prnn_fill fill,
                              const void *padding_value,
                              size_t padding_value_bytes,
                              void *output,
                              size_t output_bytes,
                              prnn_error *error);

/*
 * Gives the tokens of each sequence of a padded rectangle into memory of its own: PyTorch's unpad_sequence, with both
 * padding sides. There is a length for each of the sequences.
 *
 * Errors, sizes in bytes: lengths: PRNN_CODE_OVERFLOW, PRNN_CODE_WRONG_COUNT, PRNN_CODE_BEYOND_TIME; padded:
 * PRNN_CODE_OVERFLOW; input: PRNN_CODE_WRONG_LEN; sequences: PRNN_CODE_WRONG_LEN.
 */
prnn_status prnn_unpad_sequence(const prnn_padded *padded,
                                const size_t *lengths,
                                size_t lengths_len,
                                const void *input,
                                size_t input_bytes,
                                const prnn_sequence_mut *sequences,
                                size_t sequences_len,
                                prnn_error *error);

/*
 * Writes the inverse of a permutation, PyTorch's invert_permutation: inverse[permutation[i]] = i.
 *
 * Errors: permutation: PRNN_CODE_NOT_PERMUTATION, PRNN_CODE_OVERFLOW; output: PRNN_CODE_WRONG_COUNT. output may then
 * hold anything.
 */
prnn_status prnn_invert_permutation(const uint32_t *permutation,
                                    size_t permutation_len,
                                    uint32_t *output,
                                    size_t output_len,
                                    prnn_error *error);

/*
 * prnn_run in tasks, which may run on any threads, in any order, and a piece at a time; each output has the same bits as
 * in the undivided run.
 *
 * tasks receives them, and result their number: at most cuts.tasks, or one more than places; by direction twice as many.
 * There are fewer where more would not help. The arguments are those of prnn_run; of scratch, what is beyond
 * prnn_scratch_len goes to the task at place 0. All arrays (panels, those of the layout, input, states, output, scratch)
 * must stay as they are, and outputs and states must not be touched, until the last task is done or will never be used
 * again; the structs model, layout, states and cuts may go. The rows of a task that did not run to its end may hold
 * anything. Entries of tasks beyond those made are no tasks afterwards, even where an earlier split made some.
 *
 * Errors: as prnn_run; num_layers: PRNN_CODE_UNSUPPORTED where more than one layer is split by direction; tasks:
 * PRNN_CODE_ZERO, PRNN_CODE_WRONG_COUNT if tasks_len is too small, PRNN_CODE_UNSUPPORTED with places; places:
 * PRNN_CODE_NOT_A_CUT.
 */
prnn_status prnn_split(const prnn_model *model,
                       const prnn_layout *layout,
                       const float *input,
                       size_t input_len,
                       const prnn_states *states,
                       float *output,
                       size_t output_len,
                       float *scratch,
                       size_t scratch_len,
                       const prnn_cuts *cuts,
                       prnn_task *tasks,
                       size_t tasks_len,
                       size_t *result,
                       prnn_error *error);

/*
 * prnn_run_last in tasks, as prnn_split.
 *
 * Errors: as prnn_run_last and prnn_split.
 */
prnn_status prnn_split_last(const prnn_model *model,
                            const prnn_layout *layout,
                            const float *input,
                            size_t input_len,
                            const prnn_states *states,
                            float *scratch,
                            size_t scratch_len,
                            const prnn_cuts *cuts,
                            prnn_task *tasks,
                            size_t tasks_len,
                            size_t *result,
                            prnn_error *error);

/*
 * Runs a task to its end. It may be called again, and does nothing then.
 *
 * Errors: task: PRNN_CODE_NOT_A_TASK.
 */
prnn_status prnn_task_finish(prnn_task *task, prnn_error *error);

/*
 * Runs a task for at most so many steps, and tells whether all is done. A step is one of time, of one layer in one
 * direction, for all rows of the task. What is left may be run later, on this thread or another.
 *
 * Errors: task: PRNN_CODE_NOT_A_TASK.
 */
prnn_status prnn_task_advance(prnn_task *task, size_t steps, bool *result, prnn_error *error);

/*
 * Tells how many steps of a task are left.
 *
 * Errors: task: PRNN_CODE_NOT_A_TASK.
 */
prnn_status prnn_task_steps_left(const prnn_task *task, size_t *result, prnn_error *error);

/*
 * Tells the places of a task's sequences in the sorted batch.
 *
 * Errors: task: PRNN_CODE_NOT_A_TASK.
 */
prnn_status prnn_task_places(const prnn_task *task, prnn_range *result, prnn_error *error);

/*
 * Tells a task's directions: of two, forward is 0 and reverse is 1; a single one is 0.
 *
 * Errors: task: PRNN_CODE_NOT_A_TASK.
 */
prnn_status prnn_task_directions(const prnn_task *task, prnn_range *result, prnn_error *error);

/*
 * Tells the estimated cost of all steps of a task, in the unit of prnn_cost.
 *
 * Errors: task: PRNN_CODE_NOT_A_TASK.
 */
prnn_status prnn_task_cost(const prnn_task *task, uint64_t *result, prnn_error *error);

/*
 * e^x of each value, in place, within 1.5 units of max(ulp, 2^-149).
 *
 * Errors: backend: PRNN_CODE_UNKNOWN.
 */
prnn_status prnn_exp(prnn_backend backend, float *values, size_t values_len, prnn_error *error);

/*
 * 1 / (1 + e^-x) of each value, in place, within 2.5 units of max(ulp, 2^-149).
 *
 * Errors: backend: PRNN_CODE_UNKNOWN.
 */
prnn_status prnn_sigmoid(prnn_backend backend, float *values, size_t values_len, prnn_error *error);

/*
 * tanh(x) of each value, in place, within 2.5 units of max(ulp, 2^-149).
 *
 * Errors: backend: PRNN_CODE_UNKNOWN.
 */
prnn_status prnn_tanh(prnn_backend backend, float *values, size_t values_len, prnn_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PACKED_RNN_H */
