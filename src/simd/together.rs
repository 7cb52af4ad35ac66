//! Rows of a few units, put side by side before an epilogue and apart again behind it.
//!
//! An epilogue takes as long for a few units as for a whole vector of them: so a vector holds the units of as many rows
//! as there is room for. An operation on one lane knows nothing of the others, so that the bits are the same.

use super::finish::{Finish, MOST, Place, SUMS, Waiting, Whole};
use super::pass::{Carry, Epilogue};
use super::tail::{ROW, half};
use super::{Kernel, Simd};
use crate::weights::panel::BLOCK;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// The most pieces that wait.
const PIECES: usize = 32;

/// What waits, in vectors of up to a block, and room for the excess of the last one.
#[repr(C, align(64))]
pub(super) struct Memory {
    sums: [f32; (MOST * SUMS + 1) * BLOCK],
    carried: [f32; (MOST + 1) * BLOCK],
    out: [f32; (MOST + 1) * BLOCK],
    /// Where in `carried` and `out` each vector is.
    places: [Place; MOST],
    pieces: [Piece; PIECES],
}

/// A row's units in a vector.
#[derive(Clone, Copy)]
struct Piece {
    /// Where they are in the rows of states.
    place: Place,
    /// Where in `carried` and `out`.
    at: usize,
    units: usize,
}

/// The units of some rows that wait for an epilogue.
pub(super) struct Together<'a, E, const G: usize> {
    /// Known are the vectors that wait, and the pieces.
    memory: &'a mut MaybeUninit<Memory>,
    /// The units of a row.
    width: usize,
    /// How many vectors wait, and of how many pieces they are.
    vectors: usize,
    pieces: usize,
    epilogue: PhantomData<E>,
}

impl<'a, E: Epilogue<G>, const G: usize> Together<'a, E, G> {
    /// None yet.
    #[inline(always)]
    pub(super) fn of(memory: &'a mut MaybeUninit<Memory>, width: usize) -> Self {
        Self { memory, width, vectors: 0, pieces: 0, epilogue: PhantomData }
    }

    /// Adds the last `units` of some rows, which are at these places. A vector holds those of two rows or more.
    ///
    /// # Safety
    /// `sums` has `ROW` floats for each, those of a tail; the rows of states hold the units.
    #[inline(always)]
    pub(super) unsafe fn add<S: Simd>(&mut self, s: S, units: usize, sums: *const f32, places: &[Place]) {
        let first = self.width - units;
        let together = S::LANES / units.max(1);
        for (group, places) in places.chunks(together.max(1)).enumerate() {
            if self.vectors >= MOST || self.pieces + places.len() > PIECES {
                self.finish(s);
            }
            let from = sums.wrapping_add(group * together * ROW + first);
            // SAFETY: the caller's promise; the excess of a row's units lies where the next are put, or behind.
            unsafe { self.put(s, from, units, places) }
        }
    }

    /// Some units of these rows, in a vector.
    ///
    /// # Safety
    /// As of `add`; there is room for the vector, and for the pieces.
    #[inline(always)]
    unsafe fn put<S: Simd>(&mut self, s: S, from: *const f32, units: usize, rows: &[Place]) {
        let (vector, width, memory) = (self.vectors, self.width, self.memory.as_mut_ptr());
        // SAFETY: the caller's promise; no reference is made to what is not known, a gate's sums and a vector more are
        // among a row's floats, and the rows of states hold the units.
        unsafe {
            let [sums, carried, out] = Self::parts(memory);
            // In the order of the memory, so that what is beyond a row's units is overwritten by what belongs there.
            for gate in 0..G + usize::from(E::APART) {
                let from = from.add(if gate < G { gate * width } else { half(G, width) });
                let to = sums.add(Whole.sums::<S>(vector, gate));
                s.store(to, s.splat(0.0));
                for row in 0..rows.len() {
                    let (to, from) = (to.add(row * units), from.add(row * ROW));
                    if units <= 4 { piece::<4>(to, from) } else { piece::<8>(to, from) }
                }
            }
            let at = vector * S::LANES;
            let place = Place { carried: carried.add(at), out: out.add(at) };
            (&raw mut (*memory).places).cast::<Place>().add(vector).write(place);
            for (row, &place) in rows.iter().enumerate() {
                let at = at + row * units;
                if E::CARRY != Carry::None {
                    s.store(carried.add(at), s.load_part(place.carried, units));
                }
                (&raw mut (*memory).pieces).cast::<Piece>().add(self.pieces + row).write(Piece { place, at, units });
            }
        }
        self.vectors += 1;
        self.pieces += rows.len();
    }

    /// The epilogue of all that wait, which are then none.
    #[inline(always)]
    pub(super) fn finish<S: Simd>(&mut self, s: S) {
        let memory = self.memory.as_mut_ptr();
        // SAFETY: so many places and pieces have been put; the epilogue writes their vectors, and the rows of states hold
        // the units.
        unsafe {
            let [sums, carried, out] = Self::parts(memory);
            let places = core::slice::from_raw_parts((&raw const (*memory).places).cast::<Place>(), self.vectors);
            Finish::<E, _, G> { sums, waiting: Whole, places, epilogue: PhantomData }.run(s);
            for i in 0..self.pieces {
                let Piece { place, at, units } = (&raw const (*memory).pieces).cast::<Piece>().add(i).read();
                s.store_part(place.out, s.load_part(out.add(at), units), units);
                if E::CARRY == Carry::Second {
                    s.store_part(place.carried, s.load_part(carried.add(at), units), units);
                }
            }
        }
        (self.vectors, self.pieces) = (0, 0);
    }

    /// The first floats of `sums`, `carried` and `out`.
    ///
    /// # Safety
    /// It is one.
    #[inline(always)]
    unsafe fn parts(memory: *mut Memory) -> [*mut f32; 3] {
        // SAFETY: the caller's promise; no reference is made.
        unsafe {
            [(&raw mut (*memory).sums).cast(), (&raw mut (*memory).carried).cast(), (&raw mut (*memory).out).cast()]
        }
    }
}

/// Copies `N` floats.
///
/// # Safety
/// They may be read and written.
#[inline(always)]
unsafe fn piece<const N: usize>(to: *mut f32, from: *const f32) {
    // SAFETY: the caller's promise.
    unsafe { to.cast::<[f32; N]>().write(from.cast::<[f32; N]>().read()) }
}
