#include "board.h"

int main(void);

extern uint32_t data_begin[], data_end[], data_source[], bss_begin[], bss_end[], stack_top[];

/* Registers of the core. */
#define COPROCESSORS (*(volatile uint32_t *)0xE000ED88) /* CPACR */
#define TIMER_CONTROL (*(volatile uint32_t *)0xE000E010) /* SysTick */
#define TIMER_TOP (*(volatile uint32_t *)0xE000E014)
#define TIMER (*(volatile uint32_t *)0xE000E018)

static uint32_t semihosting(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void print(const char *text)
{
    semihosting(0x04, text);
}

void print_number(uint32_t number)
{
    char text[11], *at = text + sizeof text - 1;
    *at = 0;
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    print(at);
}

_Noreturn void leave(int status)
{
    const uint32_t argument[2] = {0x20026, (uint32_t)status}; /* the application has ended */
    for (;;)
        semihosting(0x20, argument);
}

_Noreturn void fail(const char *what)
{
    print("FAILED: ");
    print(what);
    print("\n");
    leave(1);
}

void clock_begin(void)
{
    TIMER_CONTROL = 0;
    TIMER_TOP = 0xFFFFFF;
    TIMER = 0;
    TIMER_CONTROL = 5; /* the core's clock, without an interrupt */
    while (TIMER == 0) {
    }
}

uint32_t clock_end(void)
{
    const uint32_t now = TIMER;
    if (TIMER_CONTROL & 0x10000)
        fail("the timer wrapped");
    /* With -icount shift=0 an instruction takes 1 ns, and the timer counts at 25 MHz. */
    return (0xFFFFFF - now) * 40;
}

/* No value that a call would write, and so many words of it below the stack pointer. */
#define PAINT 0xA5C3F00Du
enum { WORDS = 1024 };
static volatile uint32_t *painted;

__attribute__((noinline)) void stack_begin(void)
{
    uint32_t *now;
    __asm__ volatile("mov %0, sp" : "=r"(now));
    painted = now - WORDS;
    if (painted < bss_end)
        fail("no room to paint");
    for (size_t word = 0; word < WORDS; word++)
        painted[word] = PAINT;
}

uint32_t stack_end(void)
{
    uint32_t kept = 0;
    while (kept < WORDS && painted[kept] == PAINT)
        kept++;
    if (kept == 0)
        fail("a call takes more stack than was painted");
    return (WORDS - kept) * sizeof *painted;
}

static void fault(void)
{
    fail("a fault");
}

_Noreturn void reset(void)
{
    COPROCESSORS |= 0xFu << 20; /* the FPU */
    __asm__ volatile("dsb\n isb" ::: "memory");
    for (uint32_t *to = data_begin, *from = data_source; to < data_end;)
        *to++ = *from++;
    for (uint32_t *to = bss_begin; to < bss_end;)
        *to++ = 0;
    leave(main());
}

/* What the core reads first. */
__attribute__((section(".vectors.stack"), used)) static uint32_t *const first_stack = stack_top;
__attribute__((section(".vectors.table"), used)) static void (*const vectors[15])(void) = {
    reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault,
};
