//! Vectors of units whose sums wait for one epilogue.
//!
//! An epilogue is a long chain of operations. After each tile its end would be waited for: the multiply-adds of the next
//! are too far behind for the CPU to begin with them. So the sums of tiles of any height wait in memory, and their
//! epilogues follow each other.
//!
//! It takes as long for a few units as for a whole vector of them: so the units of a tail that fill no vector are put side
//! by side, as many rows in a vector as there is room for, and apart again behind it. An operation on one lane knows
//! nothing of the others. The chain of a sum is the same either way, and so are the bits.

use super::epilogue::{Carry, Epilogue};
use super::finish::{Finish, MOST, Place, ROW, SUMS, Waiting, Whole, half};
use super::{Kernel, Simd, outlined};
use crate::weights::panel::BLOCK;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// Whether a cell's sums wait: of fewer gates an epilogue is too short to gain by it, unless each multiply-add in it is
/// two operations.
pub(super) const fn waits<S: Simd>(gates: usize) -> bool {
    gates == 4 || gates == 3 && !S::FUSED
}

/// The most pieces that wait.
const PIECES: usize = 32;

/// So many vectors wait for no other tiles: more in one epilogue gain nothing, and their sums are less near.
const ENOUGH: usize = 12;

/// So many floats are taken of each gate for so few units.
pub(super) const fn taken(units: usize) -> usize {
    if units <= 4 { 4 } else { 8 }
}

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
}

/// What waits in one pass.
pub(super) struct Queue<'a, E, const G: usize> {
    /// Known are the vectors that wait, and the pieces. A pointer, as places in it point into it: to reborrow it would make
    /// them stale.
    memory: *mut Memory,
    /// The units of a row of the tail, and how many of them, the last ones, fill no vector.
    width: usize,
    units: usize,
    /// How many vectors wait, and of how many pieces they are.
    vectors: usize,
    pieces: usize,
    epilogue: PhantomData<(&'a mut Memory, E)>,
}

impl<'a, E: Epilogue<G>, const G: usize> Queue<'a, E, G> {
    /// None yet, of a panel with a tail of `width` units.
    #[inline(always)]
    pub(super) fn of<S: Simd>(memory: &'a mut MaybeUninit<Memory>, width: usize) -> Self {
        Self {
            memory: memory.as_mut_ptr(),
            width,
            units: width % S::LANES,
            vectors: 0,
            pieces: 0,
            epilogue: PhantomData,
        }
    }

    /// Before tiles of another height or at other units: what waits is done if it is enough.
    #[inline(always)]
    pub(super) fn begin<S: Simd>(&mut self, s: S) {
        if self.vectors >= ENOUGH {
            outlined(s, Done(self));
        }
    }

    /// The first float of room for the sums of so many vectors, at most `MOST`: those that wait may be done before.
    #[inline(always)]
    pub(super) fn room<S: Simd>(&mut self, s: S, vectors: usize) -> *mut f32 {
        if self.vectors + vectors > MOST {
            outlined(s, Done(self));
        }
        // SAFETY: it is one.
        let [sums, ..] = unsafe { Self::parts(self.memory) };
        sums.wrapping_add(Whole.sums::<S>(self.vectors, 0))
    }

    /// Adds vectors.
    ///
    /// # Safety
    /// Their sums are where `room` for so many told, and their units may be read and written in the rows of states until
    /// they are done.
    #[inline(always)]
    pub(super) unsafe fn add(&mut self, places: &[Place]) {
        let memory = self.memory;
        // SAFETY: the caller's promise; no reference is made.
        let to = unsafe { (&raw mut (*memory).places).cast::<Place>().add(self.vectors) };
        for (i, &place) in places.iter().enumerate() {
            // SAFETY: there is room for as many places as for vectors.
            unsafe { to.add(i).write(place) }
        }
        self.vectors += places.len();
    }

    /// Adds the units that fill no vector of the rows of these places.
    ///
    /// # Safety
    /// There are such units, fewer than 8 and no more than half a vector; `sums` has `ROW` floats for each row, those of a
    /// tail, of which so many as are [`taken`] of each gate are known; the rows of states hold the units from their places on.
    #[inline(always)]
    pub(super) unsafe fn add_parts<S: Simd>(&mut self, s: S, sums: *const f32, places: &[Place]) {
        let first = self.width - self.units;
        let together = S::LANES / self.units.max(1);
        for (group, places) in places.chunks(together.max(1)).enumerate() {
            if self.vectors >= MOST || self.pieces + places.len() > PIECES {
                outlined(s, Done(self));
            }
            let from = sums.wrapping_add(group * together * ROW + first);
            // SAFETY: the caller's promise; what is read and written beyond a row's units is less than a vector.
            unsafe {
                if taken(self.units) == 4 {
                    self.put::<S, 4>(s, from, places)
                } else {
                    self.put::<S, 8>(s, from, places)
                }
            }
        }
    }

    /// These rows in a vector, `N` floats at a time.
    ///
    /// # Safety
    /// As of `add_parts`; there is room for the vector, and for the pieces.
    #[inline(always)]
    unsafe fn put<S: Simd, const N: usize>(&mut self, s: S, from: *const f32, rows: &[Place]) {
        let (vector, width, units) = (self.vectors, self.width, self.units);
        let memory = self.memory;
        // SAFETY: the caller's promise; no reference is made to what is not known, as many of a gate's sums are as are
        // taken, and the rows of states hold the units.
        unsafe {
            let [sums, carried, out] = Self::parts(memory);
            // In the order of the memory, so that what is beyond a row's units is overwritten by what belongs there.
            for gate in 0..G + usize::from(E::APART) {
                let from = from.add(if gate < G { gate * width } else { half(G, width) });
                let to = sums.add(Whole.sums::<S>(vector, gate));
                s.store(to, s.splat(0.0));
                for row in 0..rows.len() {
                    let floats = from.add(row * ROW).cast::<[f32; N]>().read();
                    to.add(row * units).cast::<[f32; N]>().write(floats);
                }
            }
            let at = vector * S::LANES;
            let place = Place { carried: carried.add(at), out: out.add(at) };
            (&raw mut (*memory).places).cast::<Place>().add(vector).write(place);
            if E::CARRY != Carry::None {
                s.store(carried.add(at), s.splat(0.0));
            }
            let pieces = (&raw mut (*memory).pieces).cast::<Piece>().add(self.pieces);
            for (row, &place) in rows.iter().enumerate() {
                let at = at + row * units;
                if E::CARRY != Carry::None {
                    copy(carried.add(at), place.carried, units);
                }
                pieces.add(row).write(Piece { place, at });
            }
        }
        self.vectors += 1;
        self.pieces += rows.len();
    }

    /// The epilogue of all that wait, which are then none.
    #[inline(always)]
    pub(super) fn finish<S: Simd>(&mut self, s: S) {
        if self.vectors == 0 {
            return;
        }
        let memory = self.memory;
        // SAFETY: so many places and pieces have been put; the epilogue writes their vectors, and the rows of states hold
        // the units.
        unsafe {
            let [sums, carried, out] = Self::parts(memory);
            let places = core::slice::from_raw_parts((&raw const (*memory).places).cast::<Place>(), self.vectors);
            outlined(s, Finish::<E, _, G>::of(sums, Whole, places));
            let units = self.units;
            for i in 0..self.pieces {
                let Piece { place, at } = (&raw const (*memory).pieces).cast::<Piece>().add(i).read();
                copy(place.out, out.add(at), units);
                if E::CARRY == Carry::Second {
                    copy(place.carried, carried.add(at), units);
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

/// The epilogue of all that wait: a function of its own for whoever finds no room.
struct Done<'q, 'a, E, const G: usize>(&'q mut Queue<'a, E, G>);

impl<E: Epilogue<G>, const G: usize> Kernel for Done<'_, '_, E, G> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.0.finish(s);
    }
}

/// Copies fewer than 8 floats.
///
/// # Safety
/// So many may be read and written.
#[inline(always)]
unsafe fn copy(mut to: *mut f32, mut from: *const f32, count: usize) {
    // SAFETY: the caller's promise: the parts are `count` floats together.
    unsafe {
        if count & 4 != 0 {
            to.cast::<[f32; 4]>().write(from.cast::<[f32; 4]>().read());
            (to, from) = (to.add(4), from.add(4));
        }
        if count & 2 != 0 {
            to.cast::<[f32; 2]>().write(from.cast::<[f32; 2]>().read());
            (to, from) = (to.add(2), from.add(2));
        }
        if count & 1 != 0 {
            to.write(from.read());
        }
    }
}
