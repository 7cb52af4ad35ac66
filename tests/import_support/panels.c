/* Prints the SHAPE, the FORMAT and the bits of each float of the PANELS in HEADER, in hexadecimal, a number in a line. */
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
    prnn_shape shape = SHAPE;
    size_t i;
    if ((uintptr_t)PANELS % BOUNDARY != 0) {
        return 1;
    }
    printf("%lx\n%lx\n", (unsigned long)shape.cell, (unsigned long)shape.direction);
    printf("%lx\n%lx\n", (unsigned long)shape.input_size, (unsigned long)shape.hidden_size);
    printf("%lx\n%lx\n", (unsigned long)shape.num_layers, (unsigned long)FORMAT);
    for (i = 0; i < LEN; i++) {
        uint32_t bits;
        memcpy(&bits, &PANELS[i], sizeof bits);
        printf("%lx\n", (unsigned long)bits);
    }
    return 0;
}
