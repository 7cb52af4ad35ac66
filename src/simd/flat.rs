//! A tail's weights, and where its sums wait for the epilogue.

use super::epilogue::Epilogue;
use super::finish::{FLAT, Finish, Flats, Place, ROW, half};
use super::pass::{Pass, TileRows};
use super::queue::{Queue, taken};
use super::{Kernel, Simd};
use crate::weights::panel::{Aligned, BLOCK};
use core::mem::MaybeUninit;

/// Lanes without a sign, then as many with one.
static SIGNS: [[f32; FLAT]; 2] = [[0.0; FLAT], [-0.0; FLAT]];

/// The most rows whose sums are computed together.
const TALL: usize = 8;

/// The weights of a tail.
#[derive(Clone, Copy)]
pub(super) struct Flat {
    /// The floats of a row.
    pub(super) flat: usize,
    /// The biases, and then the rows for the inputs; those for the states.
    pub(super) inputs: *const f32,
    pub(super) states: *const f32,
    /// Where a row of sums computed ahead has those of the tail.
    pub(super) ahead: usize,
    /// The state bias of the last gate, and where its sums begin, if it is kept apart.
    apart: Option<(*const f32, usize)>,
}

impl Flat {
    #[inline(always)]
    pub(super) fn of<E: Epilogue<G>, const G: usize>(pass: &Pass<'_>) -> Self {
        let shape = pass.panel.shape();
        let (width, flat) = (shape.tail(), G * shape.tail());
        let (inputs, states) = shape.parts(shape.blocks());
        let panel = pass.panel.as_ptr();
        Self {
            flat,
            inputs: panel.wrapping_add(inputs),
            states: panel.wrapping_add(states + if E::APART { width } else { 0 }),
            ahead: G * BLOCK * shape.blocks(),
            apart: if E::APART { Some((panel.wrapping_add(states), flat - width)) } else { None },
        }
    }

    /// Whether the state half of the last gate is kept apart.
    #[inline(always)]
    pub(super) fn apart(&self) -> bool {
        self.apart.is_some()
    }

    /// The vector from `at` on of the tail's sums in a row of sums computed ahead: there is one.
    ///
    /// # Safety
    /// It is a row of the panel's sums.
    #[inline(always)]
    pub(super) unsafe fn load<S: Simd>(&self, s: S, row: *const f32, at: usize) -> S::F {
        // SAFETY: the row has the tail's sums from `ahead` on.
        unsafe {
            let (from, left) = (row.add(self.ahead + at), self.flat - at);
            if left < S::LANES { s.load_part(from, left) } else { s.load(from) }
        }
    }

    /// The same into it.
    ///
    /// # Safety
    /// As of [`Self::load`].
    #[inline(always)]
    pub(super) unsafe fn store<S: Simd>(&self, s: S, row: *mut f32, at: usize, sums: S::F) {
        // SAFETY: as in `load`.
        unsafe {
            let (to, left) = (row.add(self.ahead + at), self.flat - at);
            if left < S::LANES { s.store_part(to, sums, left) } else { s.store(to, sums) }
        }
    }

    /// The vector of sums from `at` on, of which those of a gate that is kept apart begin again with the state bias.
    ///
    /// # Safety
    /// It is a vector of the tail's sums.
    #[inline(always)]
    pub(super) unsafe fn begin_last<S: Simd>(&self, s: S, at: usize, sum: S::F) -> S::F {
        let Some((bias, from)) = self.apart else { return sum };
        // SAFETY: the state bias is in the panel, which has what a vector takes before and behind it: rows of inputs, and
        // the rows of states or the zeros that end it.
        unsafe {
            let last = s.load(SIGNS.as_flattened().as_ptr().add(FLAT - from + at));
            s.by_sign(last, s.load(bias.sub(from).add(at)), sum)
        }
    }
}

/// Rows of a tail's sums on their way into the queue.
pub(super) struct Gathered {
    sums: MaybeUninit<Aligned<[[f32; ROW]; TALL]>>,
    /// Where the units are that fill no vector.
    places: [Place; TALL],
    rows: usize,
}

impl Gathered {
    pub(super) const fn new() -> Self {
        Self { sums: MaybeUninit::uninit(), places: [Place::NONE; TALL], rows: 0 }
    }

    /// The first float of room for `rows` of at most `TALL`: those before go into the queue if there is none.
    ///
    /// # Safety
    /// As of [`Self::flush`].
    #[inline(always)]
    pub(super) unsafe fn room<S: Simd, E: Epilogue<G>, const G: usize>(
        &mut self,
        s: S,
        queue: &mut Queue<'_, E, G>,
        rows: usize,
    ) -> *mut f32 {
        if self.rows + rows > TALL {
            // SAFETY: the caller's promise.
            unsafe { self.flush(s, queue) }
        }
        self.next()
    }

    /// Where the next row's sums are put.
    #[inline(always)]
    fn next(&mut self) -> *mut f32 {
        self.sums.as_mut_ptr().cast::<f32>().wrapping_add(self.rows * ROW)
    }

    /// Adds rows whose sums have been put where there was room for so many, and whose units from `unit` on fill no vector.
    ///
    /// # Safety
    /// There was, and `width` is the tail's.
    #[inline(always)]
    pub(super) unsafe fn add<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
        &mut self,
        s: S,
        width: usize,
        rows: &TileRows<R>,
        unit: usize,
    ) {
        let (sums, units) = (self.next(), width % S::LANES);
        // SAFETY: the caller's promise.
        unsafe { know::<S, E, G>(s, sums, G * width, G * width - units + taken(units), R) }
        for (to, [place]) in self.places.iter_mut().skip(self.rows).zip(rows.places::<1>(E::CARRY, unit, 0)) {
            *to = place;
        }
        self.rows += R;
    }

    /// Rows whose sums have been put where there was room for so many: the epilogue of vectors that each fills by itself, and
    /// what is left of each is added. One row has no company to wait for.
    ///
    /// # Safety
    /// The rows' sums are known, and the rows of states hold the panel's units.
    #[inline(always)]
    pub(super) unsafe fn settle<S: Simd, E: Epilogue<G>, const G: usize, const R: usize>(
        &mut self,
        s: S,
        pass: &Pass<'_>,
        rows: &TileRows<R>,
    ) {
        let shape = pass.panel.shape();
        let (unit, width) = (shape.blocks() * BLOCK, shape.tail());
        let (all, joined) = (self.next(), |units| R > 1 && 3 * units <= S::LANES);
        if !joined(width) {
            // SAFETY: there is room for so many rows.
            unsafe { know::<S, E, G>(s, all, G * width, FLAT, R) }
        }
        for first in (0..width).step_by(S::LANES) {
            let units = width - first;
            if joined(units) {
                // SAFETY: the caller's promise.
                unsafe { self.add::<S, E, G, R>(s, width, rows, unit + first) }
                return;
            }
            let places = rows.places::<1>(E::CARRY, unit + first, 0);
            let sums = all.wrapping_add(first);
            let waiting = Flats { step: ROW, width, half: half(G, width), units, fewer: 0 };
            // SAFETY: a gate's vector ends within the row's floats, which are known, and the rows of states hold the tail's
            // units, as the caller promises.
            unsafe { Finish::<E, _, G>::of(sums, waiting, places.as_flattened()) }.run(s);
        }
    }

    /// The rows go into the queue.
    ///
    /// # Safety
    /// Of [`Queue::add_parts`], for all rows that were added.
    #[inline(always)]
    pub(super) unsafe fn flush<S: Simd, E: Epilogue<G>, const G: usize>(&mut self, s: S, queue: &mut Queue<'_, E, G>) {
        let places = self.places.get(..self.rows).unwrap_or_default();
        // SAFETY: the caller's promise.
        unsafe { queue.add_parts(s, self.sums.as_ptr().cast(), places) }
        self.rows = 0;
    }
}

/// What is taken of so many rows beyond their `flat` sums, up to the first `end` floats, is known then as well.
///
/// # Safety
/// There is room for so many.
#[inline(always)]
pub(super) unsafe fn know<S: Simd, E: Epilogue<G>, const G: usize>(
    s: S,
    sums: *mut f32,
    flat: usize,
    end: usize,
    rows: usize,
) {
    // Of whole vectors, which may have been half as long, all is known.
    let known = flat.next_multiple_of(S::Half::LANES);
    for row in 0..if end > known && known + S::LANES <= FLAT { rows } else { 0 } {
        for part in 0..1 + usize::from(E::APART) {
            // SAFETY: a part of a row has `FLAT` floats.
            unsafe { s.store(sums.wrapping_add(row * ROW + part * FLAT + known), s.splat(0.0)) }
        }
    }
}
