//! The least that firmware with one LSTM needs: a layout, a pack, a run over panels in flash.

#![no_std]
#![no_main]

use bare_metal::{keep, some, some_mut};
use packed_rnn::{Aligned, Layout, Lstm, Model, Padded, Shape, States, pack_padded_sequence};

const SHAPE: Shape = Shape::new(4, 20);
const PANELS_LEN: usize = Model::<Lstm>::panels_len(SHAPE);
static PANELS: Aligned<[f32; PANELS_LEN]> = Aligned([0.5; PANELS_LEN]);

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        keep(run());
    }
}

fn run() -> Result<(), packed_rnn::Error> {
    let (mut lengths, mut order) = ([0; 3], [0; 3]);
    let layout = Layout::new(some(&[3_usize, 2, 5]), some_mut(&mut lengths), some_mut(&mut order))?;
    let mut packed = [0.0_f32; 40];
    let packed = some_mut(&mut packed);
    pack_padded_sequence(&layout, Padded::batch_first(5, 4), some(&[1.0; 60]), packed)?;
    let model = Model::<Lstm>::from_panels(SHAPE, some(&PANELS.0))?;
    let (mut output, mut hn, mut cn) = ([0.0; 200], [0.0; 60], [0.0; 60]);
    let states = States::lstm(some_mut(&mut hn), some_mut(&mut cn));
    model.run(&layout, packed, states, some_mut(&mut output), &mut [])?;
    keep((&output, &hn, &cn));
    Ok(())
}
