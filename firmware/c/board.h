/* The board: its start, its console, and a clock that counts instructions under the emulator. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* There is no library of C here; these come with packed_rnn. */
void *memcpy(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/* Prints on the host's console. */
void print(const char *text);
void print_number(uint32_t number);

/* Leaves the emulator: 0 is success. */
_Noreturn void leave(int status);
_Noreturn void fail(const char *what);

/* The clock begins anew; and the instructions since, known to 40 of them. */
void clock_begin(void);
uint32_t clock_end(void);

/* The first paints the stack below, the second tells how many bytes of it were written since: both from one function. */
void stack_begin(void);
uint32_t stack_end(void);

#endif
