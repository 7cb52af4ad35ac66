//! One pass over a panel: which rows are taken together, and in which order the panel is read.
//!
//! Tiles differ in shape, never in the order of a sum. A few rows are one tile, as low as they are, with more units
//! side by side, so that there are enough independent chains; many rows are tiles of nearly one height, or by lines of
//! the greatest, and each part of the panel serves all of them while it is near.

use super::finish::{MOST, Place};
use super::lines::lines;
use super::next::Next;
use super::octet::octets;
use super::several::{several, waits};
use super::tail::Tail;
use super::tile::{Units, units};
use super::{Kernel, Simd, Values, outlined};
use crate::rows::{Rows, RowsMut};
use crate::weights::panel::{BLOCK, Panel};
use core::marker::PhantomData;

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

    /// A place's inputs.
    #[inline(always)]
    pub(super) fn inputs(&self, place: usize) -> Option<*const f32> {
        self.x.get(self.offset + place)
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
            // SAFETY: the views' widths have just been checked.
            unsafe { octets::<S, E, G>(s, pass) }
            return;
        }
        if backward {
            self.tail(s);
        }
        if rows <= S::ROWS.of(G) {
            of_height(s, One(self), rows);
        } else {
            self.several(s, rows);
        }
        if !backward {
            self.tail(s);
        }
    }
}

impl<E: Epilogue<G>, const G: usize> Run<'_, E, G> {
    /// The full blocks, in more tiles than one.
    #[inline(always)]
    fn several<S: Simd>(&self, s: S, rows: usize) {
        let pass = self.pass;
        let heights = heights::<S>(G, rows);
        let whole = heights.iter().any(|&(height, count)| count > 0 && by_lines::<S>(G, height));
        let mut left = pass.panel.shape().blocks() * (BLOCK / S::LANES);
        while left > 0 {
            let mut done = 0;
            let mut first = pass.first;
            for (height, count) in heights {
                if count > 0 {
                    done = of_height(s, Tiles { run: *self, left, whole, first, count }, height);
                }
                first += height * count;
            }
            left = left.saturating_sub(done.max(1));
        }
    }

    /// The units that fill no block, which are the panel's last part.
    #[inline(always)]
    fn tail<S: Simd>(&self, s: S) {
        if self.pass.panel.shape().tail() > 0 {
            outlined(s, Tail::<E, G>(self.pass, PhantomData));
        }
    }
}

/// How many tiles of which height rows are taken in, of a cell of so many gates.
#[inline(always)]
pub(super) fn heights<S: Simd>(gates: usize, rows: usize) -> [(usize, usize); 3] {
    let tallest = S::ROWS.of(gates);
    if rows <= tallest {
        return [(rows, 1), (0, 0), (0, 0)];
    }
    // By lines only the tallest tiles have chains enough: all are of that height but the last one, or the last two where
    // that one would have a single row.
    let full = if by_lines::<S>(gates, tallest) { rows / tallest - usize::from(rows % tallest == 1) } else { 0 };
    let rest = rows - full * tallest;
    let tiles = rest.div_ceil(tallest);
    let low = rest / tiles.max(1);
    // So many tiles are one row taller than the others.
    let taller = rest - tiles * low;
    [(tallest, full), (low + 1, taller), (low, tiles - taller)]
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

/// Work on rows of which the number is known when it is compiled.
pub(super) trait OfHeight<S: Simd>: Sized {
    /// The most rows: no others are compiled.
    const TALLEST: usize;
    type Output;
    fn run<const R: usize>(self, s: S) -> Self::Output;
}

/// Work on `height` rows.
#[inline(always)]
pub(super) fn of_height<S: Simd, W: OfHeight<S>>(s: S, work: W, height: usize) -> W::Output {
    match height {
        8.. if const { W::TALLEST >= 8 } => work.run::<8>(s),
        7 if const { W::TALLEST >= 7 } => work.run::<7>(s),
        6 if const { W::TALLEST >= 6 } => work.run::<6>(s),
        5 if const { W::TALLEST >= 5 } => work.run::<5>(s),
        4 if const { W::TALLEST >= 4 } => work.run::<4>(s),
        3 if const { W::TALLEST >= 3 } => work.run::<3>(s),
        2 if const { W::TALLEST >= 2 } => work.run::<2>(s),
        _ => work.run::<1>(s),
    }
}

/// Whether tiles of so many rows go by lines.
pub(super) const fn by_lines<S: Simd>(gates: usize, rows: usize) -> bool {
    gates > 1 && rows >= S::LINES
}

/// Tiles of one height at some vectors of units.
#[derive(Clone, Copy)]
struct Tiles<'a, E, const G: usize> {
    run: Run<'a, E, G>,
    /// How many vectors of units are left.
    left: usize,
    /// The tallest tiles take whole blocks, so that all do.
    whole: bool,
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

impl<S: Simd, E: Epilogue<G>, const G: usize> OfHeight<S> for Tiles<'_, E, G> {
    const TALLEST: usize = S::ROWS.of(G);
    /// How many vectors of units were done.
    type Output = usize;

    #[inline(always)]
    fn run<const R: usize>(self, s: S) -> usize {
        if const { by_lines::<S>(G, R) } {
            s.vectorize(Lines::<E, G, R>(self));
            return BLOCK / S::LANES;
        }
        if const { S::LINES < usize::MAX } && self.whole {
            for vector in 0..BLOCK / S::LANES {
                s.vectorize(Full::<E, G, R, 1>(Tiles { left: self.left - vector, ..self }));
            }
            return BLOCK / S::LANES;
        }
        if const { waits(G) } {
            s.vectorize(Several::<E, G, R>(self));
            return 1;
        }
        s.vectorize(Full::<E, G, R, 1>(self))
    }
}

/// All full blocks for rows that are one tile, so that vectors of units may be taken together.
struct One<'a, E, const G: usize>(Run<'a, E, G>);

impl<S: Simd, E: Epilogue<G>, const G: usize> OfHeight<S> for One<'_, E, G> {
    const TALLEST: usize = S::ROWS.of(G);
    type Output = ();

    #[inline(always)]
    fn run<const R: usize>(self, s: S) {
        let run = self.0;
        let pass = run.pass;
        let mut left = pass.panel.shape().blocks() * (BLOCK / S::LANES);
        while left > 0 {
            let tiles = Tiles { run, left, whole: false, first: pass.first, count: 1 };
            let done = if const { by_lines::<S>(G, R) } {
                s.vectorize(Lines::<E, G, R>(tiles));
                BLOCK / S::LANES
            } else {
                match left.min(side_by_side::<S>(G, R)) {
                    4.. if const { side_by_side::<S>(G, R) >= 4 } => s.vectorize(Full::<E, G, R, 4>(tiles)),
                    2.. if const { side_by_side::<S>(G, R) >= 2 } => s.vectorize(Full::<E, G, R, 2>(tiles)),
                    _ => s.vectorize(Full::<E, G, R, 1>(tiles)),
                }
            };
            left = left.saturating_sub(done);
        }
    }
}

/// How many vectors of units a tile of `rows` takes at once: 1, 2 or 4, as registers allow, epilogues and the panel's
/// order.
const fn side_by_side<S: Simd>(gates: usize, rows: usize) -> usize {
    // Whole blocks stand at one distance, and so do the octets of one block and the vectors of one octet; vectors of
    // several of these do not.
    let order = if S::LANES == BLOCK { 4 } else { 2 };
    let registers = S::SUMS / (gates * rows);
    let side = if order < registers { order } else { registers };
    let epilogues = MOST / rows;
    match if side < epilogues { side } else { epilogues } {
        0 | 1 => 1,
        2 | 3 => 2,
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
            // views, and `Tiles::run` takes no vector beyond the full blocks.
            unsafe { units::<S, E, G, R, U>(s, pass, &part, &rows) }
        }
        U
    }
}

/// Tiles of `R` rows and a vector of units, one after another.
struct Several<'a, E, const G: usize, const R: usize>(Tiles<'a, E, G>);

impl<E: Epilogue<G>, const G: usize, const R: usize> Kernel for Several<'_, E, G, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Tiles { run: Run { pass, .. }, first, count, .. } = self.0;
        let part = Units::of::<S>(pass, self.0.next::<S>(1));
        // SAFETY: as in `Full`; `Tiles::run` has seen that the cell's sums wait.
        unsafe { several::<S, E, G, R>(s, pass, &part, first, count) }
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
