"What stands around a network on a bare board: linker script, vector table, start, faults, a program"

SCRIPT = '''/* {board}: {chip}, Cortex-{cpu}. {source} */
MEMORY
{{
    FLASH (rx)  : ORIGIN = 0x{flash_at:08X}, LENGTH = {flash}
    RAM   (rwx) : ORIGIN = 0x{ram_at:08X}, LENGTH = {ram}
}}
ENTRY(start)
SECTIONS
{{
    .text    : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(4); }} > FLASH
    .weights : {{ *(.weights*) . = ALIGN(4); }} > FLASH
    /* the stack lies lowest: what outgrows it leaves the RAM, and the processor faults */
    .stack (NOLOAD) : {{ _stack_end = .; . += {stack}; . = ALIGN(8); _stack = .; }} > RAM
    .data    : {{ _data = .; *(.data*) . = ALIGN(4); _data_end = .; }} > RAM AT > FLASH
    _data_from = LOADADDR(.data);
    .bss (NOLOAD) : {{ _bss = .; *(.bss*) *(COMMON) . = ALIGN(4); _bss_end = .; }} > RAM
    /* not cleared: what lies here is put in place from outside, or written before it is read */
    .io (NOLOAD)    : {{ *(.io*) . = ALIGN(8); }} > RAM
    .arena (NOLOAD) : {{ *(.arena*) }} > RAM
    /DISCARD/ : {{ *(.ARM.*) *(.comment*) }}
}}
'''
START = '''/* Start of {board}: the vector table, memory as C expects it, main; and what a fault does */
#include "device.h"

extern unsigned _stack, _data, _data_end, _data_from, _bss, _bss_end;
int main(void);

NOINLINE void start(void)
{{
    volatile unsigned *from = &_data_from;      /* volatile: no call of memcpy, whose memory is not ready */
    for (volatile unsigned *to = &_data; to < &_data_end; to++) *to = *from++;
    for (volatile unsigned *to = &_bss; to < &_bss_end; to++) *to = 0;
{fpu}    DEVICE->stop = main();
    for (;;) ;
}}
/* What was pushed when the processor faulted: the seventh word is where */
NOINLINE void fault(void)
{{
    unsigned *pushed;
    __asm__ volatile("mrs %0, msp" : "=r"(pushed));
    DEVICE->fault = pushed[6];
    for (;;) ;
}}
__attribute__((section(".vectors"), used)) void *const vectors[16] = {{
    &_stack, start, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault,
}};
'''
FPU = '''    *(volatile unsigned *)0xE000ED88 |= 0xF << 20;      /* CPACR: coprocessors 10 and 11, the FPU */
    __asm__ volatile("dsb\\n isb");
'''
# the device page lies where M-profile leaves the addresses to vendors, away from any board's peripherals
DEVICE_AT = 0xF0000000
DEVICE_H = '''/* The page through which a program talks to the emulator.
   A board has none, and faults: for it, write to its own peripherals in place of this */
#ifndef device_h
#define device_h
#define NOINLINE __attribute__((noinline))
struct device {{
    volatile unsigned stop;         /* written: the program has ended, with this status */
    volatile unsigned fault;        /* written: it faulted at this address */
}};
#define DEVICE ((struct device *)0x{at:08X})
#endif
'''.format(at=DEVICE_AT)
MAIN = '''/* One inference: x is put in place from outside, and y is taken from there */
#include "{name}.h"

#define IO __attribute__((section(".io")))
signed char x[{name}_x_size] IO, y[{name}_y_size] IO;

int main(void)
{{
    {name}_run(x, y, {name}_arena, {name}_weights);
    return 0;
}}
'''
MARK = '/* Written by tinybench firmware'
HEADER = MARK + ''', for {board}.

   {name}_run computes y from x: codes, row by row, channels last.
     x        {x}, {x_size} codes{grids[0]}
     y        {y}, {y_size} codes{grids[1]}
     arena    room for what lies between, {arena_bytes} bytes; its numbers mean nothing before and after
     weights  {weight_bytes} bytes, in flash
   It allocates nothing and keeps nothing.
*/
#ifndef {name}_h
#define {name}_h
enum {{ {name}_x_size = {x_size}, {name}_y_size = {y_size},
       {name}_arena_size = {arena}, {name}_weights_size = {weights} }};
extern float {name}_arena[{name}_arena_size];
extern const int {name}_weights[{name}_weights_size];
void {name}_run(const signed char *x, signed char *y, float *arena, const int *weights);
#endif
'''
WEIGHTS = '''/* The weights of {name} in the order in which it reads them, and its arena */
#include "{name}.h"
__attribute__((section(".arena"), aligned(8))) float {name}_arena[{name}_arena_size];
__attribute__((section(".weights"), aligned(8))) const int {name}_weights[{name}_weights_size] = {{
{numbers}
}};
'''
