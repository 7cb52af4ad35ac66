//! Tiles one after another, whose sums wait for one epilogue.
//!
//! An epilogue is a long chain of operations. After each tile its end would be waited for: the multiply-adds of the next
//! are too far behind for the CPU to begin with them. So the sums of some tiles wait in memory, and their epilogues follow
//! each other. The chain of a sum is the same.

use super::finish::{Done, Finished, begin_two, end_two, finish_all};
use super::next::Next;
use super::pass::{Ahead, Epilogue, Pass, TileRows};
use super::tile::{At, Units, sums};
use super::{Kernel, Simd, outlined};
use crate::weights::panel::{Aligned, BLOCK};
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// The most rows that wait: few enough to stay near, beside the weights.
const WAITING: usize = 16;
/// The gates of a cell whose sums wait: of fewer an epilogue is too short to gain by it.
const GATES: usize = 4;

/// Whether a cell's sums wait, with an epilogue on two vectors at a time. A gate that is kept apart would wait as well.
pub(super) const fn waits<S: Simd, E: Epilogue<G>, const G: usize>() -> bool {
    S::PAIRS && G == GATES && !E::APART
}

/// `count` tiles of `R` rows from the place `first` on.
///
/// # Safety
/// The cell's sums wait, the rows of the pass are those of the panel's shape, and the units lie in its full blocks.
#[inline(always)]
pub(super) unsafe fn several<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
    s: S,
    pass: &Pass<'_>,
    part: &Units<1>,
    first: usize,
    count: usize,
) {
    // A vector's place is a line of the cache, or a part of one.
    let mut waiting = MaybeUninit::<Aligned<[f32; WAITING * GATES * BLOCK]>>::uninit();
    let waiting = waiting.as_mut_ptr().cast::<f32>();
    let place = |row: usize, gate: usize| waiting.wrapping_add((row * GATES + gate) * S::LANES);
    let end = first + count * R;
    let next = Next::of(pass, part.unit);
    let mut first = first;
    while first < end {
        let rows = (end - first).min(WAITING / R * R);
        for tile in (0..rows).step_by(R) {
            let Some(tile_rows) = TileRows::<R>::of(pass, first + tile, E::CARRY) else { return };
            next.ask(s, &tile_rows);
            // SAFETY: the caller's promise; below `WAITING` rows and `GATES` gates there is room for each.
            unsafe {
                let Some(sums) = sums::<S, E, G, R, 1>(s, pass, part, &tile_rows) else { continue };
                for r in 0..R {
                    for (gate, sum) in At(&sums, part.unit).done(s, r).sum.into_iter().enumerate() {
                        s.store(place(tile + r, gate), sum);
                    }
                }
            }
        }
        if !matches!(pass.ahead, Ahead::Write(_)) {
            let sums = Waiting { sums: waiting, unit: part.unit };
            outlined(s, Finish::<E, G> { pass, sums, first, rows, epilogue: PhantomData });
        }
        first += rows;
    }
}

/// The epilogues of `rows` rows that wait, from the place `first` on: a function of its own, so that the tiles keep the
/// registers.
struct Finish<'a, E, const G: usize> {
    pass: &'a Pass<'a>,
    sums: Waiting,
    first: usize,
    rows: usize,
    epilogue: PhantomData<E>,
}

impl<E: Epilogue<G>, const G: usize> Kernel for Finish<'_, E, G> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { pass, sums, first, rows, .. } = self;
        let mut between = MaybeUninit::<[E::Between<[S::F; 2]>; WAITING / 2]>::uninit();
        let between = between.as_mut_ptr().cast::<E::Between<[S::F; 2]>>();
        for pair in 0..rows / 2 {
            let Some(two) = TileRows::<2>::of(pass, first + 2 * pair, E::CARRY) else { return };
            let done = [sums.from::<S>(2 * pair).done(s, 0), sums.from::<S>(2 * pair).done(s, 1)];
            // SAFETY: `several`'s caller's promise; there is room for the pairs of all that wait.
            unsafe { between.add(pair).write(begin_two::<S, E, G, 2>(s, &two, done)) }
        }
        for pair in 0..rows / 2 {
            let Some(two) = TileRows::<2>::of(pass, first + 2 * pair, E::CARRY) else { return };
            let done = [sums.from::<S>(2 * pair).done(s, 0), sums.from::<S>(2 * pair).done(s, 1)];
            // SAFETY: as above; what is read has been written.
            unsafe { end_two::<S, E, G, 2>(s, &two, done, between.add(pair).read()) }
        }
        if rows % 2 == 1 {
            let Some(one) = TileRows::<1>::of(pass, first + rows - 1, E::CARRY) else { return };
            // SAFETY: as above.
            unsafe { finish_all::<S, E, G, 1>(s, &one, 1, &sums.from::<S>(rows - 1)) }
        }
    }
}

/// The sums of some rows that wait, from the first of these on.
struct Waiting {
    sums: *const f32,
    unit: usize,
}

impl Waiting {
    /// From row `row` on.
    #[inline(always)]
    fn from<S: Simd>(&self, row: usize) -> Self {
        Self { sums: self.sums.wrapping_add(row * GATES * S::LANES), unit: self.unit }
    }
}

impl<S: Simd, const G: usize> Finished<S, G> for Waiting {
    #[inline(always)]
    fn done(&self, s: S, r: usize) -> Done<S::F, G> {
        let zero = s.splat(0.0);
        let mut sum = [zero; G];
        for (gate, sum) in sum.iter_mut().enumerate() {
            // SAFETY: `several` looks at rows that it has just written.
            *sum = unsafe { s.load(self.sums.wrapping_add((r * GATES + gate) * S::LANES)) };
        }
        Done { sum, half: zero, r, unit: self.unit, count: None }
    }
}
