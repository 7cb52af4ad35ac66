/*
 * One run on several threads: a pool whose threads take turns at pieces of row tasks. The library starts no thread; it
 * cuts the rows of the sorted batch into tasks that need nothing of each other, so that the bits are those of the
 * undivided run, whichever thread runs what and when.
 */
#include "check.h"

#include <pthread.h>
#include <string.h>

enum { INPUTS = 24, UNITS = 40, LAYERS = 2, DIRECTIONS = 2, SEQUENCES = 48, THREADS = 4, TASKS = 8 };
enum { STATES = LAYERS * DIRECTIONS * SEQUENCES * UNITS };

/* The tasks that wait for a thread: a ring. */
typedef struct queue {
    pthread_mutex_t lock;
    prnn_task *waiting[TASKS];
    size_t first, count;
    size_t pieces;
} queue;

static prnn_task *take(queue *q)
{
    prnn_task *task = NULL;
    pthread_mutex_lock(&q->lock);
    if (q->count > 0) {
        task = q->waiting[q->first];
        q->first = (q->first + 1) % TASKS;
        q->count--;
        q->pieces++;
    }
    pthread_mutex_unlock(&q->lock);
    return task;
}

static void put(queue *q, prnn_task *task)
{
    pthread_mutex_lock(&q->lock);
    q->waiting[(q->first + q->count) % TASKS] = task;
    q->count++;
    pthread_mutex_unlock(&q->lock);
}

/* Each thread takes a task, runs 20 steps of it, and puts it back for whichever comes next. */
static void *work(void *argument)
{
    queue *q = argument;
    prnn_task *task;
    while ((task = take(q)) != NULL) {
        bool done;
        CALL(prnn_task_advance, task, 20, &done);
        if (!done)
            put(q, task);
    }
    return NULL;
}

static float *floats(size_t count, uint32_t seed)
{
    float *values = malloc(count * sizeof *values);
    if (values == NULL) {
        fprintf(stderr, "no memory\n");
        exit(EXIT_FAILURE);
    }
    noise(values, count, seed);
    return values;
}

/* The results of a run, to be compared. */
typedef struct results {
    float *hn, *cn, *output;
} results;

int main(void)
{
    const prnn_shape shape = {PRNN_LSTM, PRNN_BIDIRECTIONAL, INPUTS, UNITS, LAYERS};
    prnn_weights weights[LAYERS * DIRECTIONS];
    for (uint32_t i = 0; i < LENGTH(weights); i++) {
        const size_t ih = 4 * UNITS * (i < DIRECTIONS ? INPUTS : DIRECTIONS * UNITS), hh = 4 * UNITS * UNITS;
        weights[i] = (prnn_weights){floats(ih, i), ih, floats(hh, 10 + i), hh, floats(4 * UNITS, 20 + i), 4 * UNITS, NULL, 0};
    }
    size_t panels_len;
    CALL(prnn_panels_len, &shape, &panels_len);
    float *panels = floats(panels_len, 0);
    CALL(prnn_panels_pack, &shape, weights, LENGTH(weights), panels, panels_len);
    prnn_model model;
    CALL(prnn_model_new, &shape, panels, panels_len, PRNN_PANEL_FORMAT, &model);

    size_t lengths[SEQUENCES];
    for (size_t i = 0; i < SEQUENCES; i++)
        lengths[i] = 20 + i * 37 % 230;
    static uint32_t sorted_lengths[SEQUENCES], sorted_indices[SEQUENCES], unsorted_indices[SEQUENCES];
    prnn_layout layout;
    CALL(prnn_layout_from_lengths_size, lengths, SEQUENCES, sorted_lengths, sorted_indices, unsorted_indices, &layout);

    size_t output_len, scratch_len, ahead_len;
    CALL(prnn_output_len, &model, &layout, &output_len);
    CALL(prnn_scratch_len, &model, &layout, &scratch_len);
    CALL(prnn_ahead_len, &model, &ahead_len);
    scratch_len += ahead_len;
    float *input = floats(layout.tokens * INPUTS, 30), *scratch = floats(scratch_len, 0);
    results alone = {floats(STATES, 0), floats(STATES, 0), floats(output_len, 0)};
    results pool = {floats(STATES, 1), floats(STATES, 1), floats(output_len, 1)};

    /* The undivided run. */
    prnn_states states = {NULL, 0, NULL, 0, alone.hn, STATES, alone.cn, STATES};
    CALL(prnn_run, &model, &layout, input, layout.tokens * INPUTS, &states, alone.output, output_len, scratch, scratch_len);

    /* The same in tasks, which stay where they are made. */
    static prnn_task tasks[TASKS];
    const prnn_cuts cuts = {TASKS, NULL, 0, 0};
    states.hn = pool.hn;
    states.cn = pool.cn;
    size_t made;
    CALL(prnn_split, &model, &layout, input, layout.tokens * INPUTS, &states, pool.output, output_len, scratch,
         scratch_len, &cuts, tasks, TASKS, &made);
    queue q = {.count = 0};
    pthread_mutex_init(&q.lock, NULL);
    for (size_t i = 0; i < made; i++)
        put(&q, &tasks[i]);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, &q) != 0) {
            fprintf(stderr, "cannot start a thread\n");
            return EXIT_FAILURE;
        }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&q.lock);

    const int same = memcmp(pool.output, alone.output, output_len * sizeof(float)) == 0 &&
                     memcmp(pool.hn, alone.hn, STATES * sizeof(float)) == 0 &&
                     memcmp(pool.cn, alone.cn, STATES * sizeof(float)) == 0;
    printf("%zu tokens of %d sequences through an LSTM %d -> %d, %d layers, both directions\n", layout.tokens, SEQUENCES,
           INPUTS, UNITS, LAYERS);
    printf("%zu tasks in %zu pieces on %d threads: %s\n", made, q.pieces, THREADS, same ? "the same bits" : "OTHER BITS");

    float *all[] = {panels, input, scratch, alone.hn, alone.cn, alone.output, pool.hn, pool.cn, pool.output};
    for (size_t i = 0; i < LENGTH(all); i++)
        free(all[i]);
    for (size_t i = 0; i < LENGTH(weights); i++) {
        free((float *)weights[i].weight_ih);
        free((float *)weights[i].weight_hh);
        free((float *)weights[i].bias_ih);
    }
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
