//! The least that a device with one LSTM needs: a layout, a pack, a run over panels in flash. Its code is measured, and
//! its constants are the panels alone; it is linked without a runtime and never run.

#![no_std]
#![no_main]

use core::hint::black_box;
use packed_rnn::{Aligned, Error, Layout, Lstm, Model, Padded, Shape, States, pack_padded_sequence};

const SHAPE: Shape = Shape::new(4, 20);
const PANELS_LEN: usize = Model::<Lstm>::panels_len(SHAPE);
static PANELS: Aligned<[f32; PANELS_LEN]> = Aligned([0.5; PANELS_LEN]);

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        // Slices of which the compiler knows nothing, so that no memory is prepared here.
        let (lengths, sorted, indices) = (black_box(&[][..]), black_box(&mut [][..]), black_box(&mut [][..]));
        let [padded, packed, output, hn, cn] = [(); 5].map(|()| black_box(&mut [][..]));
        black_box(&run(lengths, sorted, indices, padded, packed, output, States::lstm(hn, cn)));
    }
}

#[inline(never)]
fn run(
    lengths: &[usize],
    sorted: &mut [u32],
    indices: &mut [u32],
    padded: &[f32],
    packed: &mut [f32],
    output: &mut [f32],
    states: States<'_>,
) -> Result<(), Error> {
    let layout = Layout::new(lengths, sorted, indices)?;
    pack_padded_sequence(&layout, Padded::batch_first(black_box(5), 4), padded, packed)?;
    let shape = Shape::new(black_box(4), black_box(20));
    Model::<Lstm>::from_panels(shape, black_box(&PANELS.0))?.run(&layout, packed, states, output, &mut [])
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        black_box(());
    }
}
