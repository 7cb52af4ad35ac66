//! The hot loops of CPUs without vectors: 8 or 16 sums of one row, one for each register.
//!
//! ```text
//! sum[i] += element[k] * weight[k][i], rounded twice, for each k in order
//! ```
//!
//! Where the FPU is ARM's, the loop is assembly: one load of many weights, then a product and a sum for each. Its own
//! multiply-adds take three cycles, the compiler takes them nevertheless where no CPU is named, and at the smallest
//! optimisation it keeps no sums in registers. Elsewhere each sum has a name of its own, so that nothing has to be
//! unrolled to stay in a register.

/// What a run reads: the sums that it begins with, `count` elements, and as many rows of weights at a distance of `row`
/// floats.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) begin: *const f32,
    pub(super) weights: *const f32,
    pub(super) row: usize,
    pub(super) elements: *const f32,
    pub(super) count: usize,
}

/// The same value, of which the compiler knows nothing: what follows from it is computed where it is used, and not kept on
/// the stack from before.
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
#[inline(always)]
pub(super) fn anew(value: usize) -> usize {
    value
}

#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
macro_rules! run {
    ($name:ident: $($sum:ident $at:literal),*) => {
        /// # Safety
        /// The run's elements, the weights of each of its rows and as many sums may be read, and the sums written.
        #[inline(never)]
        pub(super) unsafe fn $name(sums: *mut f32, run: Run) {
            let Run { begin, mut weights, row, elements, count } = run;
            // SAFETY: the caller's promise; `k < count`.
            unsafe {
                $(let mut $sum = begin.add($at).read();)*
                for k in 0..count {
                    let element = elements.add(k).read();
                    $($sum += element * weights.add($at).read();)*
                    weights = weights.wrapping_add(row);
                }
                $(sums.add($at).write($sum);)*
            }
        }
    };
}
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
run!(run_of_8: a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7);
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
run!(run_of_16: a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8, j 9, q 10, l 11, m 12, n 13, o 14, p 15);

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub(super) use vfp::{anew, run_of_8, run_of_16};

/// Registers: sums from s0 on, eight weights in s16 to s23, four elements in s24 to s27. No functions of their own: they
/// would save the half of these that their caller has saved already.
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod vfp {
    use super::Run;
    use core::arch::asm;

    #[inline(always)]
    pub(in super::super) fn anew(mut value: usize) -> usize {
        // SAFETY: no instruction.
        unsafe { asm!("/* {} */", inout(reg) value, options(nomem, nostack, preserves_flags)) }
        value
    }

    /// Eight weights times an element, added to eight sums.
    macro_rules! eight {
        ($x:literal: $a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal) => {
            concat!(
                "vldmia {w}!, {{s16-s23}}\n",
                eight!(@mul $x "s16"), eight!(@mul $x "s17"), eight!(@mul $x "s18"), eight!(@mul $x "s19"),
                eight!(@mul $x "s20"), eight!(@mul $x "s21"), eight!(@mul $x "s22"), eight!(@mul $x "s23"),
                eight!(@add $a "s16"), eight!(@add $b "s17"), eight!(@add $c "s18"), eight!(@add $d "s19"),
                eight!(@add $e "s20"), eight!(@add $f "s21"), eight!(@add $g "s22"), eight!(@add $h "s23"),
            )
        };
        (@mul $x:literal $w:literal) => { concat!("vmul.f32 ", $w, ",", $w, ",", $x, "\n") };
        (@add $sum:literal $w:literal) => { concat!("vadd.f32 ", $sum, ",", $sum, ",", $w, "\n") };
    }
    macro_rules! row_of_8 {
        ($x:literal) => {
            concat!(eight!($x: "s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7"), "add {w}, {w}, {skip}\n")
        };
    }
    macro_rules! row_of_16 {
        ($x:literal) => {
            concat!(
                eight!($x: "s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7"),
                eight!($x: "s8" "s9" "s10" "s11" "s12" "s13" "s14" "s15"),
                "add {w}, {w}, {skip}\n",
            )
        };
    }
    /// The way into a loop of four rows: what is left over of a multiple of four goes first, through the last rows of the
    /// loop.
    macro_rules! four_rows {
        ($row:ident) => {
            concat!(
                "ands {rest}, {left}, #3\n",
                "beq 8f\n",
                "sub {left}, {left}, {rest}\n",
                "cmp {rest}, #2\n",
                "bhi 3f\n",
                "beq 4f\n",
                "vldmia {x}!, {{s27}}\n",
                "b 7f\n",
                "3: vldmia {x}!, {{s25-s27}}\n",
                "b 5f\n",
                "4: vldmia {x}!, {{s26-s27}}\n",
                "b 6f\n",
                "2: vldmia {x}!, {{s24-s27}}\n",
                $row!("s24"),
                "5:\n",
                $row!("s25"),
                "6:\n",
                $row!("s26"),
                "7:\n",
                $row!("s27"),
                "8: subs {left}, #4\n",
                "bhs 2b\n",
            )
        };
    }
    /// The same for two rows, where little is done and code is dearer.
    macro_rules! two_rows {
        ($row:ident) => {
            concat!(
                "ands {rest}, {left}, #1\n",
                "beq 8f\n",
                "subs {left}, #1\n",
                "vldmia {x}!, {{s25}}\n",
                "b 7f\n",
                "2: vldmia {x}!, {{s24-s25}}\n",
                $row!("s24"),
                "7:\n",
                $row!("s25"),
                "8: subs {left}, #2\n",
                "bhs 2b\n",
            )
        };
    }
    macro_rules! run {
        ($name:ident, $rows:ident of $row:ident, $count:literal, $sums:literal: $($register:tt)*) => {
            /// # Safety
            /// The run's elements, the weights of each of its rows and as many sums may be read, and the sums written.
            #[inline(always)]
            pub(in super::super) unsafe fn $name(sums: *mut f32, run: Run) {
                // SAFETY: the caller's promise. `left` goes down from `count` to 0, by as many as there are rows of
                // weights and elements taken.
                unsafe {
                    asm!(
                        concat!("vldmia {begin}, {{", $sums, "}}"),
                        $rows!($row),
                        concat!("vstmia {sums}, {{", $sums, "}}"),
                        begin = in(reg) run.begin,
                        sums = in(reg) sums,
                        w = inout(reg) run.weights => _,
                        skip = in(reg) run.row.wrapping_sub($count).wrapping_mul(size_of::<f32>()),
                        x = inout(reg) run.elements => _,
                        left = inout(reg) run.count => _,
                        rest = out(reg) _,
                        $(out($register) _,)*
                        out("s16") _, out("s17") _, out("s18") _, out("s19") _,
                        out("s20") _, out("s21") _, out("s22") _, out("s23") _,
                        out("s24") _, out("s25") _, out("s26") _, out("s27") _,
                        options(nostack),
                    );
                }
            }
        };
    }
    run!(run_of_8, two_rows of row_of_8, 8, "s0-s7": "s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7");
    run!(run_of_16, four_rows of row_of_16, 16, "s0-s15":
        "s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7" "s8" "s9" "s10" "s11" "s12" "s13" "s14" "s15");
}
