//! What one pass over a panel reads and writes.

use super::epilogue::Carry;
use super::finish::Place;
use crate::rows::{Rows, RowsMut};
use crate::weights::panel::Panel;

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
