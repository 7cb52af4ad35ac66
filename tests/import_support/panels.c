/* Prints the VALUES, then the bits of each float of the PANELS in HEADER: a number in a line, and a line between. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef UNKNOWN_COMPILER
#undef __GNUC__
#endif
#include HEADER
#include HEADER

int main(void) {
    static const unsigned long values[] = {VALUES};
    size_t i;
    if ((uintptr_t)PANELS % BOUNDARY != 0) {
        return 1;
    }
    for (i = 0; i < sizeof values / sizeof *values; i++) {
        printf("%lu\n", values[i]);
    }
    printf("-\n");
    for (i = 0; i < sizeof PANELS / sizeof *PANELS; i++) {
        uint32_t bits;
        memcpy(&bits, &PANELS[i], sizeof bits);
        printf("%lx\n", (unsigned long)bits);
    }
    return 0;
}
