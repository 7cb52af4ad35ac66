//! Which tiles take a pass, and in which order.
//!
//! Tiles differ in shape, never in the order of a sum. A few rows are one tile, as low as they are, with more units
//! side by side, so that there are enough independent chains; of many rows, each part of the panel serves all while it is
//! near.

use super::beside::{Beside, blocks, most_vectors};
use super::epilogue::{Carry, Epilogue};
use super::heights::{OfHeight, by_lines, heights, of_height};
use super::lines::lines;
use super::next::Next;
use super::pass::{Ahead, Pass, TileRows};
use super::queue::{Queue, waits};
use super::tail::Tail;
use super::tile::{Units, side_by_side, sums, units};
use super::{Kernel, Simd, outlined};
use crate::weights::panel::BLOCK;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// A pass with its epilogue.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a, E, const G: usize> {
    pub(crate) pass: &'a Pass<'a>,
    /// The panel is read from its last part to its first. What one step read last is near when the next one begins: by
    /// turns, a panel that is more than a cache holds is not lost to it altogether.
    pub(crate) backward: bool,
    pub(crate) epilogue: PhantomData<E>,
}

impl<E: Epilogue<G>, const G: usize> Kernel for Run<'_, E, G> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { pass, backward, .. } = self;
        let rows = pass.end.saturating_sub(pass.first);
        if rows == 0 || !fits::<E, G>(pass) {
            return;
        }
        if S::LANES == 1 {
            // No pass is made without vectors: `octet` takes their rows. To return keeps the tiles out of such a build.
            return;
        }
        let mut memory = MaybeUninit::uninit();
        let shape = pass.panel.shape();
        let mut queue = Queue::of::<S>(&mut memory, shape.tail());
        let beside = match shape.tail() {
            0 => 0,
            tail => blocks::<S, G>(G * tail, rows, shape.blocks()),
        };
        let vectors = (shape.blocks() - beside) * (BLOCK / S::LANES);
        if backward {
            self.tail(s, &mut queue, beside);
        }
        if rows <= S::ROWS.of(G) {
            of_height(s, One(self, &mut queue, vectors), rows);
        } else {
            self.several(s, &mut queue, rows, vectors);
        }
        if !backward {
            self.tail(s, &mut queue, beside);
        }
        queue.finish(s);
    }
}

impl<'a, E: Epilogue<G>, const G: usize> Run<'a, E, G> {
    /// So many vectors of units of full blocks, in more tiles than one.
    #[inline(always)]
    fn several<S: Simd>(&self, s: S, queue: &mut Queue<'a, E, G>, rows: usize, all: usize) {
        let pass = self.pass;
        let heights = heights::<S>(G, rows);
        let whole = heights.iter().any(|&(height, count)| count > 0 && by_lines::<S>(G, height));
        // Tiles of one height need not take turns with others.
        let alone = heights.iter().any(|&(height, count)| height * count == rows);
        let mut left = all;
        while left > 0 {
            let mut done = 0;
            let mut first = pass.first;
            for (height, count) in heights {
                if count > 0 {
                    let tiles = Tiles { run: *self, all, left, vectors: if alone { left } else { 1 }, first, count };
                    done = of_height(s, Several { tiles, whole, queue: &mut *queue }, height);
                }
                first += height * count;
            }
            left = left.saturating_sub(done.max(1));
        }
    }

    /// The units that fill no block, which are the panel's last part, with so many of the last blocks.
    #[inline(always)]
    fn tail<S: Simd>(&self, s: S, queue: &mut Queue<'a, E, G>, blocks: usize) {
        let (pass, tail) = (self.pass, self.pass.panel.shape().tail());
        if const { most_vectors::<S>() > 0 } && blocks > 0 {
            match (G * tail).div_ceil(S::LANES) {
                1 => outlined(s, Beside::<E, G, 1> { pass, blocks, queue }),
                2 => outlined(s, Beside::<E, G, 2> { pass, blocks, queue }),
                3 if const { most_vectors::<S>() >= 3 } => outlined(s, Beside::<E, G, 3> { pass, blocks, queue }),
                _ if const { most_vectors::<S>() >= 4 } => outlined(s, Beside::<E, G, 4> { pass, blocks, queue }),
                _ => {}
            }
        } else if tail > 0 {
            outlined(s, Tail(pass, queue));
        }
    }
}

/// The views hold what the shape tells. The callers have checked their arguments; what follows relies on it, so it is
/// checked where it is used.
fn fits<E: Epilogue<G>, const G: usize>(pass: &Pass<'_>) -> bool {
    let shape = pass.panel.shape();
    let sums = match pass.ahead {
        Ahead::No => None,
        Ahead::Write(rows) => Some(rows.read().width()),
        Ahead::Read(rows) => Some(rows.width()),
    };
    shape.gates == G
        && shape.apart == E::APART
        && pass.x.width() == shape.inputs
        && pass.h.width() == shape.units
        && pass.out.read().width() == shape.units
        && sums.is_none_or(|sums| sums == G * shape.units)
        && (E::CARRY != Carry::Second || pass.c.read().width() == shape.units)
}

/// Tiles of one height at some vectors of units.
#[derive(Clone, Copy)]
struct Tiles<'a, E, const G: usize> {
    run: Run<'a, E, G>,
    /// How many vectors of units are taken in all, and are left.
    all: usize,
    left: usize,
    /// How many of these are taken in one go, one after another.
    vectors: usize,
    first: usize,
    count: usize,
}

impl<E: Epilogue<G>, const G: usize> Tiles<'_, E, G> {
    /// The first of so many vectors that are done next, after `done` others.
    #[inline(always)]
    fn next(&self, done: usize, vectors: usize) -> usize {
        let left = self.left - done;
        if self.run.backward { left.saturating_sub(vectors) } else { self.all - left }
    }
}

/// Tiles of one height of several.
struct Several<'q, 'a, E, const G: usize> {
    tiles: Tiles<'a, E, G>,
    /// The tallest tiles take whole blocks, so that all do.
    whole: bool,
    queue: &'q mut Queue<'a, E, G>,
}

impl<S: Simd, E: Epilogue<G>, const G: usize> OfHeight<S> for Several<'_, '_, E, G> {
    const TALLEST: usize = S::ROWS.of(G);
    /// How many vectors of units were done.
    type Output = usize;

    #[inline(always)]
    fn run<const R: usize>(self, s: S) -> usize {
        let Self { tiles, whole, queue } = self;
        if const { by_lines::<S>(G, R) } {
            s.vectorize(Lines::<E, G, R>(tiles));
            return BLOCK / S::LANES;
        }
        let vectors = if const { S::LINES < usize::MAX } && whole { BLOCK / S::LANES } else { tiles.vectors };
        let tiles = Tiles { vectors, ..tiles };
        if const { waits::<S>(G) } {
            s.vectorize(Waits::<E, G, R>(tiles, queue))
        } else {
            s.vectorize(Full::<E, G, R, 1>(tiles))
        }
    }
}

/// So many vectors of full blocks for rows that are one tile, so that vectors of units may be taken together.
struct One<'q, 'a, E, const G: usize>(Run<'a, E, G>, &'q mut Queue<'a, E, G>, usize);

impl<S: Simd, E: Epilogue<G>, const G: usize> OfHeight<S> for One<'_, '_, E, G> {
    const TALLEST: usize = S::ROWS.of(G);
    type Output = ();

    #[inline(always)]
    fn run<const R: usize>(self, s: S) {
        let Self(run, queue, all) = self;
        let pass = run.pass;
        // Else an odd vector would go by itself, and so would the tail; of two or three the last one's epilogue would have
        // nothing behind it.
        let joins = R % 2 == 1 || pass.panel.shape().tail() > 0 || matches!(all, 2 | 3);
        let mut left = all;
        while left > 0 {
            let tiles = Tiles { run, all, left, vectors: left, first: pass.first, count: 1 };
            let done = if const { by_lines::<S>(G, R) } {
                s.vectorize(Lines::<E, G, R>(tiles));
                BLOCK / S::LANES
            } else {
                match left.min(side_by_side::<S>(G, R, 0)) {
                    8.. if const { side_by_side::<S>(G, R, 0) >= 8 } => s.vectorize(Full::<E, G, R, 8>(tiles)),
                    4.. if const { side_by_side::<S>(G, R, 0) >= 4 } => s.vectorize(Full::<E, G, R, 4>(tiles)),
                    2.. if const { side_by_side::<S>(G, R, 0) >= 2 } => s.vectorize(Full::<E, G, R, 2>(tiles)),
                    _ if const { waits::<S>(G) && R > 1 } && joins => s.vectorize(Waits::<E, G, R>(tiles, &mut *queue)),
                    _ => s.vectorize(Full::<E, G, R, 1>(tiles)),
                }
            };
            left = left.saturating_sub(done);
        }
    }
}

/// Tiles of `R` rows and `U` vectors of units.
struct Full<'a, E, const G: usize, const R: usize, const U: usize>(Tiles<'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize, const U: usize> Kernel for Full<'_, E, G, R, U> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let Tiles { run: Run { pass, .. }, vectors, first, count, .. } = self.0;
        let mut done = 0;
        while done + U <= vectors {
            let part = Units::<U>::of::<S>(pass, self.0.next(done, U));
            let next = Next::of(pass, part.unit);
            for tile in 0..count {
                let Some(rows) = TileRows::<R>::of(pass, first + tile * R, E::CARRY) else { break };
                // One row's next ones follow it in memory, where a CPU looks ahead by itself.
                if R > 1 {
                    next.ask(s, &rows);
                }
                // SAFETY: `Run` has checked the views' widths against the panel's shape, `TileRows` holds rows of those
                // views, and no vector beyond the full blocks is taken.
                unsafe { units::<S, E, G, R, U>(s, pass, &part, &rows) }
            }
            done += U;
        }
        done
    }
}

/// Tiles of `R` rows and a vector of units, whose sums wait.
struct Waits<'q, 'a, E, const G: usize, const R: usize>(Tiles<'a, E, G>, &'q mut Queue<'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize> Kernel for Waits<'_, '_, E, G, R> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let Self(tiles, queue) = self;
        let Tiles { run: Run { pass, .. }, vectors, first, count, .. } = tiles;
        for vector in 0..vectors {
            queue.begin(s);
            let part = Units::<1>::of::<S>(pass, tiles.next(vector, 1));
            let next = Next::of(pass, part.unit);
            for tile in 0..count {
                let Some(rows) = TileRows::<R>::of(pass, first + tile * R, E::CARRY) else { break };
                next.ask(s, &rows);
                let to = queue.room(s, R);
                // SAFETY: as in `Full`. There is room for the sums, the places' units are in the rows, and no pass touches
                // them again before the queue is finished.
                unsafe {
                    let Some(sums) = sums::<S, E, G, R, 1, 0>(s, pass, &part, &rows) else { continue };
                    sums.wait::<S, E>(s, to);
                    queue.add(rows.places::<1>(E::CARRY, part.unit, 0).as_flattened());
                }
            }
        }
        vectors
    }
}

/// Tiles of `R` rows and a block, by lines.
struct Lines<'a, E, const G: usize, const R: usize>(Tiles<'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize> Kernel for Lines<'_, E, G, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tiles { run: Run { pass, .. }, first, count, .. } = self.0;
        let part = Units::of::<S>(pass, self.0.next(0, BLOCK / S::LANES));
        let next = Next::of(pass, part.unit);
        for tile in 0..count {
            let Some(rows) = TileRows::<R>::of(pass, first + tile * R, E::CARRY) else { break };
            next.ask(s, &rows);
            // SAFETY: as in `Full`; vectors of half a block are taken in pairs, from a block's first.
            unsafe { lines::<S, E, G, R>(s, pass, &part, &rows) }
        }
    }
}
