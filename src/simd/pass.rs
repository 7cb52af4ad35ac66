//! One pass over a panel: what it reads and writes, and in which order.
//!
//! Tiles differ in shape, never in the order of a sum. A few rows are one tile, as low as they are, with more units
//! side by side, so that there are enough independent chains; of many rows, each part of the panel serves all while it is
//! near.

use super::finish::{MOST, Place};
use super::heights::{OfHeight, by_lines, heights, of_height};
use super::lines::lines;
use super::next::Next;
use super::queue::{Queue, waits};
use super::tail::Tail;
use super::tile::{Units, sums, units};
use super::{Kernel, Simd, Values, outlined};
use crate::rows::{Rows, RowsMut};
use crate::weights::panel::{BLOCK, OCTET, Panel};
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// What an epilogue needs of the state besides the sums.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carry {
    /// Nothing.
    None,
    /// The unit's value in the second state, which it also gives back.
    Second,
    /// The unit's value in the state that was multiplied.
    Same,
}

/// What becomes of the sums of `G` gates.
pub(crate) trait Epilogue<const G: usize>: Copy {
    /// The state half of the last gate is a chain of its own: its sum begins with its state bias, and the input half
    /// is given beside it.
    const APART: bool;
    const CARRY: Carry;

    /// What the first half of the work gives to the second: each is a chain of its own, of some ten operations.
    type Between<F: Copy>: Copy;

    /// The first half, from the sums, the input half of the last gate (where apart), and the value carried here.
    fn begin<S: Values>(s: S, sum: [S::F; G], input: S::F, carried: S::F) -> Self::Between<S::F>;

    /// The second half, from the value carried here as well: the unit's new state and what is carried on.
    fn end<S: Values>(s: S, between: Self::Between<S::F>, carried: S::F) -> (S::F, S::F);

    /// Both.
    #[inline(always)]
    fn finish<S: Values>(s: S, sum: [S::F; G], input: S::F, carried: S::F) -> (S::F, S::F) {
        Self::end(s, Self::begin(s, sum, input, carried), carried)
    }
}

/// All units of a panel for some sequences. The sequence at place `b` has row `b` behind an offset in packed views and row
/// `order[b]` in those in the caller's order.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) panel: Panel<'a>,
    /// `None` is the identity.
    pub(crate) order: Option<&'a [u32]>,
    /// Rows of the panel's inputs, packed.
    pub(crate) x: Rows<'a>,
    /// The state so far, rows of the panel's units in the caller's order, for the places from `continued` on.
    pub(crate) h: Rows<'a>,
    /// The new state: other rows than those of `h`.
    pub(crate) out: RowsMut<'a>,
    /// `out` is packed, and holds the state so far of the places below `continued`; else in the caller's order.
    pub(crate) packed: bool,
    pub(crate) continued: usize,
    /// The packed row of place 0 in `x` and `out`, and at the step before.
    pub(crate) offset: usize,
    pub(crate) before: usize,
    /// The second state, in place, in the caller's order; no rows where the epilogue carries none.
    pub(crate) c: RowsMut<'a>,
    pub(crate) ahead: Ahead<'a>,
    /// The places to work on: from `first` to before `end`.
    pub(crate) first: usize,
    pub(crate) end: usize,
}

impl Pass<'_> {
    /// A place's rows of states; `None` if a view or the order is too short.
    #[inline(always)]
    pub(super) fn row(&self, place: usize, carry: Carry) -> Option<Row> {
        let row = self.ordered(place)?;
        let (view, before) =
            if place < self.continued { (self.out.read(), self.before + place) } else { (self.h, row) };
        Some(Row {
            h: view.get(before)?,
            c: if carry == Carry::Second { self.c.get(row)? } else { core::ptr::null_mut() },
            out: self.out.get(if self.packed { self.offset + place } else { row })?,
        })
    }

    /// A place's row in the caller's order; `None` if the order is too short.
    #[inline(always)]
    fn ordered(&self, place: usize) -> Option<usize> {
        Some(match self.order {
            Some(order) => *order.get(place)? as usize,
            None => place,
        })
    }
}

/// One sequence's rows of states; null in a view that the pass does not look at.
pub(super) struct Row {
    pub(super) h: *const f32,
    pub(super) c: *mut f32,
    pub(super) out: *mut f32,
}

/// Whether the input half of the sums is computed with the state half, or ahead of it. It is the same chain either way:
/// stored as f32, and continued from.
#[derive(Clone, Copy)]
pub(crate) enum Ahead<'a> {
    /// Both halves at once.
    No,
    /// The input half alone, into these rows of `G * H` sums; the states are not looked at.
    Write(RowsMut<'a>),
    /// The state half, from the sums in these rows; the inputs are not looked at.
    Read(Rows<'a>),
}

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
        let mut queue = Queue::of::<S>(&mut memory, pass.panel.shape().tail());
        if backward {
            self.tail(s, &mut queue);
        }
        if rows <= S::ROWS.of(G) {
            of_height(s, One(self, &mut queue), rows);
        } else {
            self.several(s, &mut queue, rows);
        }
        if !backward {
            self.tail(s, &mut queue);
        }
        if const { waits::<S>(G) } {
            queue.finish(s);
        }
    }
}

impl<'a, E: Epilogue<G>, const G: usize> Run<'a, E, G> {
    /// The full blocks, in more tiles than one.
    #[inline(always)]
    fn several<S: Simd>(&self, s: S, queue: &mut Queue<'a, E, G>, rows: usize) {
        let pass = self.pass;
        let heights = heights::<S>(G, rows);
        let whole = heights.iter().any(|&(height, count)| count > 0 && by_lines::<S>(G, height));
        let mut left = pass.panel.shape().blocks() * (BLOCK / S::LANES);
        while left > 0 {
            let mut done = 0;
            let mut first = pass.first;
            for (height, count) in heights {
                if count > 0 {
                    let tiles = Tiles { run: *self, left, first, count };
                    done = of_height(s, Several { tiles, whole, queue: &mut *queue }, height);
                }
                first += height * count;
            }
            left = left.saturating_sub(done.max(1));
        }
    }

    /// The units that fill no block, which are the panel's last part.
    #[inline(always)]
    fn tail<S: Simd>(&self, s: S, queue: &mut Queue<'a, E, G>) {
        if self.pass.panel.shape().tail() > 0 {
            outlined(s, Tail(self.pass, queue));
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
    /// How many vectors of units are left.
    left: usize,
    first: usize,
    count: usize,
}

impl<E: Epilogue<G>, const G: usize> Tiles<'_, E, G> {
    /// The first of so many vectors that are done next.
    #[inline(always)]
    fn next<S: Simd>(&self, vectors: usize) -> usize {
        let all = self.run.pass.panel.shape().blocks() * (BLOCK / S::LANES);
        if self.run.backward { self.left.saturating_sub(vectors) } else { all - self.left }
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
        let vectors = if const { S::LINES < usize::MAX } && whole { BLOCK / S::LANES } else { 1 };
        for vector in 0..vectors {
            let tiles = Tiles { left: tiles.left - vector, ..tiles };
            if const { waits::<S>(G) } {
                s.vectorize(Waits::<E, G, R>(tiles, &mut *queue));
            } else {
                s.vectorize(Full::<E, G, R, 1>(tiles));
            }
        }
        vectors
    }
}

/// All full blocks for rows that are one tile, so that vectors of units may be taken together.
struct One<'q, 'a, E, const G: usize>(Run<'a, E, G>, &'q mut Queue<'a, E, G>);

impl<S: Simd, E: Epilogue<G>, const G: usize> OfHeight<S> for One<'_, '_, E, G> {
    const TALLEST: usize = S::ROWS.of(G);
    type Output = ();

    #[inline(always)]
    fn run<const R: usize>(self, s: S) {
        let Self(run, queue) = self;
        let pass = run.pass;
        // Else an odd vector would go by itself, and so would the tail.
        let joins = R % 2 == 1 || pass.panel.shape().tail() > 0;
        let mut left = pass.panel.shape().blocks() * (BLOCK / S::LANES);
        while left > 0 {
            let tiles = Tiles { run, left, first: pass.first, count: 1 };
            let done = if const { by_lines::<S>(G, R) } {
                s.vectorize(Lines::<E, G, R>(tiles));
                BLOCK / S::LANES
            } else {
                match left.min(side_by_side::<S>(G, R)) {
                    8.. if const { side_by_side::<S>(G, R) >= 8 } => s.vectorize(Full::<E, G, R, 8>(tiles)),
                    4.. if const { side_by_side::<S>(G, R) >= 4 } => s.vectorize(Full::<E, G, R, 4>(tiles)),
                    2.. if const { side_by_side::<S>(G, R) >= 2 } => s.vectorize(Full::<E, G, R, 2>(tiles)),
                    _ if const { waits::<S>(G) && R > 1 } && joins => s.vectorize(Waits::<E, G, R>(tiles, &mut *queue)),
                    _ => s.vectorize(Full::<E, G, R, 1>(tiles)),
                }
            };
            left = left.saturating_sub(done);
        }
    }
}

/// How many vectors of units a tile of `rows` takes at once: 1, 2, 4 or 8, as registers allow and epilogues.
const fn side_by_side<S: Simd>(gates: usize, rows: usize) -> usize {
    let (registers, epilogues) = (S::SUMS / (gates * rows), MOST / rows);
    match if registers < epilogues { registers } else { epilogues } {
        0 | 1 => 1,
        2 | 3 => 2,
        // Of one gate, four chains are too few. Eight smaller vectors stand at more distances than two, and eight larger ones
        // are more streams than a CPU follows.
        8.. if gates == 1 && S::LANES == OCTET => 8,
        _ => 4,
    }
}

/// Tiles of `R` rows and `U` vectors of units.
struct Full<'a, E, const G: usize, const R: usize, const U: usize>(Tiles<'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize, const U: usize> Kernel for Full<'_, E, G, R, U> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let Tiles { run: Run { pass, .. }, first, count, .. } = self.0;
        let part = Units::<U>::of::<S>(pass, self.0.next::<S>(U));
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
        U
    }
}

/// Tiles of `R` rows and a vector of units, whose sums wait.
struct Waits<'q, 'a, E, const G: usize, const R: usize>(Tiles<'a, E, G>, &'q mut Queue<'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize> Kernel for Waits<'_, '_, E, G, R> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let Self(tiles, queue) = self;
        let Tiles { run: Run { pass, .. }, first, count, .. } = tiles;
        queue.begin(s);
        let part = Units::<1>::of::<S>(pass, tiles.next::<S>(1));
        let next = Next::of(pass, part.unit);
        for tile in 0..count {
            let Some(rows) = TileRows::<R>::of(pass, first + tile * R, E::CARRY) else { break };
            next.ask(s, &rows);
            let to = queue.room(s, R);
            // SAFETY: as in `Full`. There is room for the sums, the places' units are in the rows, and no pass touches
            // them again before the queue is finished.
            unsafe {
                let Some(sums) = sums::<S, E, G, R, 1>(s, pass, &part, &rows) else { continue };
                sums.wait::<S, E>(s, to);
                queue.add(rows.places::<1>(E::CARRY, part.unit, 0).as_flattened());
            }
        }
        1
    }
}

/// Tiles of `R` rows and a block, by lines.
struct Lines<'a, E, const G: usize, const R: usize>(Tiles<'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize> Kernel for Lines<'_, E, G, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tiles { run: Run { pass, .. }, first, count, .. } = self.0;
        let part = Units::of::<S>(pass, self.0.next::<S>(BLOCK / S::LANES));
        let next = Next::of(pass, part.unit);
        for tile in 0..count {
            let Some(rows) = TileRows::<R>::of(pass, first + tile * R, E::CARRY) else { break };
            next.ask(s, &rows);
            // SAFETY: as in `Full`; vectors of half a block are taken in pairs, from a block's first.
            unsafe { lines::<S, E, G, R>(s, pass, &part, &rows) }
        }
    }
}

/// The rows of a tile in each view; null in a view that the pass does not look at.
pub(super) struct TileRows<const R: usize> {
    pub(super) x: [*const f32; R],
    pub(super) h: [*const f32; R],
    pub(super) c: [*mut f32; R],
    pub(super) out: [*mut f32; R],
    /// Sums of the input half, to be written or read.
    pub(super) sums: [*mut f32; R],
}

impl<const R: usize> TileRows<R> {
    /// `None` if a view is too short.
    #[inline(always)]
    pub(super) fn of(pass: &Pass<'_>, first: usize, carry: Carry) -> Option<Self> {
        let none = core::ptr::null_mut();
        let mut rows = Self { x: [none; R], h: [none; R], c: [none; R], out: [none; R], sums: [none; R] };
        match pass.ahead {
            Ahead::No => {}
            Ahead::Write(ahead) => rows.sums = ahead.several(first)?,
            Ahead::Read(ahead) => rows.sums = ahead.several(first)?.map(<*const f32>::cast_mut),
        }
        if !matches!(pass.ahead, Ahead::Read(_)) {
            rows.x = pass.x.several(pass.offset + first)?;
        }
        if matches!(pass.ahead, Ahead::Write(_)) {
            return Some(rows);
        }
        if R > 1 && first + R <= pass.continued {
            // All go on from where the step before wrote them, one after another.
            rows.h = pass.out.read().several(pass.before + first)?;
            rows.out = pass.out.several(pass.offset + first)?;
            if carry == Carry::Second {
                for (i, c) in rows.c.iter_mut().enumerate() {
                    *c = pass.c.get(pass.ordered(first + i)?)?;
                }
            }
            return Some(rows);
        }
        for (i, (h, (out, c))) in rows.h.iter_mut().zip(rows.out.iter_mut().zip(&mut rows.c)).enumerate() {
            let row = pass.row(first + i, carry)?;
            (*h, *out, *c) = (row.h, row.out, row.c);
        }
        Some(rows)
    }

    /// Where `U` vectors of units, `step` from one to the next, are in each row.
    #[inline(always)]
    pub(super) fn places<const U: usize>(&self, carry: Carry, unit: usize, step: usize) -> [[Place; U]; R] {
        let mut places = [[Place::NONE; U]; R];
        for (places, ((h, c), out)) in places.iter_mut().zip(self.h.iter().zip(&self.c).zip(&self.out)) {
            for (u, place) in places.iter_mut().enumerate() {
                let at = unit + u * step;
                let carried = match carry {
                    Carry::None => core::ptr::null_mut(),
                    Carry::Second => c.wrapping_add(at),
                    Carry::Same => h.wrapping_add(at).cast_mut(),
                };
                *place = Place { carried, out: out.wrapping_add(at) };
            }
        }
        places
    }
}
