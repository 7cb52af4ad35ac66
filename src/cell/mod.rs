//! What the gates mean: a cell turns the sums of its gates into the new state, a vector of units at a time.

mod gru;
mod lstm;
mod rnn;

pub use gru::Gru;
pub use lstm::Lstm;
pub use rnn::{Relu, Tanh};

use crate::simd::backend::Backend;
use crate::simd::octet::Row;
use crate::simd::pass::Pass;
use crate::weights::panel::{Panel, PanelShape};

/// A recurrent cell: [`Lstm`], [`Gru`], [`Tanh`] or [`Relu`].
pub trait Cell: sealed::Sealed + Copy + core::fmt::Debug + Send + Sync + 'static {
    /// Gates of a unit: the rows of PyTorch's weights are `GATES * hidden_size`.
    const GATES: usize;
    /// The cell has a second state (`c0`, `cn`).
    const HAS_C: bool;
    /// The last gate's state half is kept apart.
    #[doc(hidden)]
    const APART: bool;
}

pub(crate) mod sealed {
    /// What a cell does, for this crate alone.
    pub trait Sealed {
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn pass(backend: super::Backend, pass: &super::Pass<'_>, backward: bool);
        /// One row on a backend without vectors.
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn row(panel: &super::Panel<'_>, row: &super::Row<'_>);
    }
}

/// The shape of a cell's panel.
pub(crate) const fn panel_shape<C: Cell>(inputs: usize, units: usize) -> PanelShape {
    PanelShape { gates: C::GATES, apart: C::APART, inputs, units }
}

/// Declares a cell by its epilogue: the constants of the one follow from the other.
macro_rules! cell {
    ($cell:ident, $gates:literal) => {
        impl crate::cell::Cell for $cell {
            const GATES: usize = $gates;
            const HAS_C: bool = matches!(<$cell as Epilogue<$gates>>::CARRY, Carry::Second);
            const APART: bool = <$cell as Epilogue<$gates>>::APART;
        }

        impl crate::cell::sealed::Sealed for $cell {
            #[allow(private_interfaces)]
            fn pass(backend: crate::simd::backend::Backend, pass: &crate::simd::pass::Pass<'_>, backward: bool) {
                let epilogue = core::marker::PhantomData;
                backend.run(crate::simd::tiles::Run::<$cell, $gates> { pass, backward, epilogue });
            }

            #[inline(always)]
            #[allow(private_interfaces)]
            fn row(panel: &crate::weights::panel::Panel<'_>, row: &crate::simd::octet::Row<'_>) {
                crate::simd::octet::row::<$cell, $gates>(panel, row);
            }
        }
    };
}
pub(crate) use cell;
