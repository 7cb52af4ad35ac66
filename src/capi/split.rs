//! Row tasks for the caller's threads.

use super::error::{prnn_error, prnn_status};
use super::layout::{Arrays, prnn_layout};
use super::memory::{In, Memory, Out, call};
use super::model::{Network, PRNN_LSTM, PRNN_RNN_RELU, prnn_cell, prnn_model, with_cell};
use super::run::{self, prnn_states};
use crate::cell::Cell;
use crate::error::{Argument, Code, Error};
use crate::split::{Split, Task, Tasks};
use core::ops::Range;

/// How a run is split into tasks: by rows of the sorted batch.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct prnn_cuts {
    /// Into at most so many tasks, cut so that the dearest costs as little as can be; 0 where places are given.
    pub tasks: usize,
    /// Or: a task begins at place 0 of the sorted batch, and at each of these, which grow and are within the batch. Null
    /// with a length of 0 where tasks is given.
    pub places: *const usize,
    /// The entries of places.
    pub places_len: usize,
    /// Not 0: each of them as one task for each direction. Only a network of one layer can be split so;
    /// prnn_model_layer gives a stacked network's layers one by one.
    pub by_direction: i32,
}

/// The words in a task.
pub const PRNN_TASK_WORDS: usize = 128;

/// Some rows of a run, made by prnn_split. What is in it is the library's own. It must stay where it was made: one that
/// was copied or moved is refused, as two of them would write the same rows; that one was copied away and back to its
/// place is not noticed. One thread at a time may use it.
///
/// A split that is made where tasks of an earlier one are ends those: entries of the array beyond the new tasks are no
/// tasks any more. One that is refused leaves them as they were. An array of zeros holds no task.
#[repr(C)]
#[derive(Debug)]
pub struct prnn_task {
    /// Tells that a task was made here.
    pub tag: usize,
    /// The task.
    pub words: [usize; PRNN_TASK_WORDS],
}

/// A range: from first to before end.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct prnn_range {
    /// The first.
    pub first: usize,
    /// The one behind the last.
    pub end: usize,
}

/// What a task's tag is mixed of beside its address and its cell.
const MAGIC: usize = 0x7072_6e6e_7461_736b_u64 as usize;
const SPREAD: usize = 0x9e37_79b9_7f4a_7c14_u64 as usize;

// Every tag is odd, as addresses of tasks are even: none is 0.
const _: () = assert!(MAGIC % 2 == 1 && SPREAD.is_multiple_of(2) && align_of::<prnn_task>().is_multiple_of(2));

const fn fits<C: Cell>() -> bool {
    size_of::<Task<'static, C>>() <= size_of::<[usize; PRNN_TASK_WORDS]>()
        && align_of::<Task<'static, C>>() <= align_of::<usize>()
        // It may be forgotten where it lies.
        && !core::mem::needs_drop::<Task<'static, C>>()
}

const _: () = {
    use crate::cell::{Gru, Lstm, Relu, Tanh};
    assert!(fits::<Lstm>() && fits::<Gru>() && fits::<Tanh>() && fits::<Relu>(), "prnn_task has too few words");
};

/// The tag of a task of a cell, at the address where it was made. Tags of different cells differ in many bits.
fn tag(task: *const prnn_task, cell: prnn_cell) -> usize {
    task.addr() ^ MAGIC ^ (cell as usize).wrapping_mul(SPREAD)
}

impl prnn_task {
    /// # Safety
    /// `task` is checked memory for one.
    unsafe fn make<C: Cell>(task: *mut Self, cell: prnn_cell, made: Task<'static, C>) {
        // SAFETY: the caller's promise; the words are enough, and aligned, as is asserted above.
        unsafe {
            (&raw mut (*task).words).cast::<Task<'static, C>>().write(made);
            (&raw mut (*task).tag).write(tag(task, cell));
        }
    }

    /// Leaves no task there, whatever was.
    ///
    /// # Safety
    /// `task` is checked memory for one.
    unsafe fn clear(task: *mut Self) {
        // SAFETY: the caller's promise.
        unsafe { (&raw mut (*task).tag).write(0) }
    }

    /// # Safety
    /// `task` is checked memory; its tag is one of this cell.
    unsafe fn open<'a, C: Cell>(task: *mut Self) -> &'a mut Task<'static, C> {
        // SAFETY: the tag says that `make` was here, with the same cell.
        unsafe { &mut *(&raw mut (*task).words).cast() }
    }

    /// # Safety
    /// As [`prnn_task::open`].
    unsafe fn look<'a, C: Cell>(task: *const Self) -> &'a Task<'static, C> {
        // SAFETY: the tag says that `make` was here, with the same cell.
        unsafe { &*(&raw const (*task).words).cast() }
    }

    /// The cell of a task that was made here.
    ///
    /// # Safety
    /// `task` is checked memory.
    unsafe fn cell(task: *const Self) -> Result<prnn_cell, Error> {
        // SAFETY: the caller's promise.
        let found = unsafe { (&raw const (*task).tag).read() };
        let mut cells = PRNN_LSTM..=PRNN_RNN_RELU;
        cells.find(|&cell| tag(task, cell) == found).ok_or(not_a_task())
    }
}

fn not_a_task() -> Error {
    Error::new(Code::NotATask, Argument::Task, 0, 0)
}

/// The split that C describes, checked by [`Memory::cuts`] in this call.
///
/// # Safety
/// It is, and the places are there for `'a`.
unsafe fn split<'a>(cuts: *const prnn_cuts) -> Result<Split<'a>, Error> {
    // SAFETY: it is there, and nothing has been written since.
    let prnn_cuts { tasks, places, places_len, by_direction } = unsafe { cuts.read() };
    let split = match places.is_null() {
        true => Split::rows(tasks),
        // SAFETY: the caller's promise.
        false if tasks == 0 => Split::at(unsafe { In::checked(places, places_len).slice() }),
        // Only one of the two can be meant.
        false => return Err(Error::new(Code::Unsupported, Argument::Tasks, tasks, 0)),
    };
    Ok(if by_direction == 0 { split } else { split.by_direction() })
}

/// Makes the tasks where they go. A function of its own, so that a split is not on the stack while arguments are checked;
/// there is one of it, by reference.
///
/// # Safety
/// There is room for so many tasks, and for their number, checked by `call`.
#[inline(never)]
unsafe fn make<C: Cell>(
    tasks_of: impl FnOnce() -> Result<Tasks<'static, C>, Error>,
    cell: prnn_cell,
    (mut to, room): (*mut prnn_task, usize),
    count: *mut usize,
) -> Result<(), Error> {
    let made = &mut tasks_of();
    let made = made.as_mut().map_err(|&mut error| error)?;
    let len = made.len();
    if len > room {
        return Err(Error::new(Code::WrongCount, Argument::Tasks, room, len));
    }
    while let Some(rows) = made.next_rows() {
        // SAFETY: no more than there is room for; each is opened as what it was made.
        unsafe {
            prnn_task::make(to, cell, made.task(rows));
            prnn_task::open::<C>(to).begin();
        }
        to = to.wrapping_add(1);
    }
    // Those of an earlier split would still run, over memory that may be gone.
    for _ in len..room {
        // SAFETY: the same.
        unsafe { prnn_task::clear(to) }
        to = to.wrapping_add(1);
    }
    // SAFETY: the caller's promise.
    unsafe { count.write(len) }
    Ok(())
}

impl Memory<'_> {
    /// # Safety
    /// As [`Memory::copy`], and what the struct refers to is there as well.
    unsafe fn cuts(&mut self, cuts: *const prnn_cuts) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        let cuts = unsafe { self.copy(cuts, Argument::Cuts)? };
        self.read_option(cuts.places, cuts.places_len, Argument::Places)?;
        Ok(())
    }
}

/// prnn_run in tasks, which may run on any threads, in any order, and a piece at a time; each output has the same bits as
/// in the undivided run.
///
/// tasks receives them, and result their number: at most cuts.tasks, or one more than places; by direction twice as many.
/// There are fewer where more would not help. The arguments are those of prnn_run; of scratch, what is beyond
/// prnn_scratch_len goes to the task at place 0. All arrays (panels, those of the layout, input, states, output, scratch)
/// must stay as they are, and outputs and states must not be touched, until the last task is done or will never be used
/// again; the structs model, layout, states and cuts may go. The rows of a task that did not run to its end may hold
/// anything. Entries of tasks beyond those made are no tasks afterwards, even where an earlier split made some.
///
/// Errors: as prnn_run; num_layers: PRNN_CODE_UNSUPPORTED where more than one layer is split by direction; tasks:
/// PRNN_CODE_ZERO, PRNN_CODE_WRONG_COUNT if tasks_len is too small, PRNN_CODE_UNSUPPORTED with places; places:
/// PRNN_CODE_NOT_A_CUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_split(
    model: *const prnn_model,
    layout: *const prnn_layout,
    input: *const f32,
    input_len: usize,
    states: *const prnn_states,
    output: *mut f32,
    output_len: usize,
    scratch: *mut f32,
    scratch_len: usize,
    cuts: *const prnn_cuts,
    tasks: *mut prnn_task,
    tasks_len: usize,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        memory.model(model)?;
        memory.layout(layout)?;
        memory.read(input, input_len, Argument::Input)?;
        memory.states(states)?;
        memory.write(output, output_len, Argument::Output)?;
        memory.write(scratch, scratch_len, Argument::Scratch)?;
        memory.cuts(cuts)?;
        memory.write(tasks, tasks_len, Argument::Tasks)?;
        memory.write(result, 1, Argument::Result)?;
        Ok(())
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(): &()| unsafe {
        let (network, layout) = (Network::checked(model), Arrays::checked(layout).layout()?);
        let (cell, split, input) = (network.model.shape.cell, split(cuts)?, In::checked(input, input_len).slice());
        let (states, scratch) = (run::states(states), Out::checked(scratch, scratch_len).slice());
        let output = Out::checked(output, output_len).slice();
        // No name for the closure: one for each cell would be on the stack.
        with_cell!(cell, C => {
            make(
                || network.model::<C>()?.split(&layout, input, states, output, scratch, split),
                cell,
                (tasks, tasks_len),
                result,
            )
        })
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// prnn_run_last in tasks, as prnn_split.
///
/// Errors: as prnn_run_last and prnn_split.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_split_last(
    model: *const prnn_model,
    layout: *const prnn_layout,
    input: *const f32,
    input_len: usize,
    states: *const prnn_states,
    scratch: *mut f32,
    scratch_len: usize,
    cuts: *const prnn_cuts,
    tasks: *mut prnn_task,
    tasks_len: usize,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    // SAFETY: the caller's promise.
    let gather = |memory: &mut Memory<'_>| unsafe {
        memory.model(model)?;
        memory.layout(layout)?;
        memory.read(input, input_len, Argument::Input)?;
        memory.states(states)?;
        memory.write(scratch, scratch_len, Argument::Scratch)?;
        memory.cuts(cuts)?;
        memory.write(tasks, tasks_len, Argument::Tasks)?;
        memory.write(result, 1, Argument::Result)?;
        Ok(())
    };
    // SAFETY: checked by `call`, promised by the caller.
    let act = |(): &()| unsafe {
        let (network, layout) = (Network::checked(model), Arrays::checked(layout).layout()?);
        let (cell, split, input) = (network.model.shape.cell, split(cuts)?, In::checked(input, input_len).slice());
        let (states, scratch) = (run::states(states), Out::checked(scratch, scratch_len).slice());
        with_cell!(cell, C => {
            make(
                || network.model::<C>()?.split_last(&layout, input, states, scratch, split),
                cell,
                (tasks, tasks_len),
                result,
            )
        })
    };
    // SAFETY: the caller's promise.
    unsafe { call(error, gather, act) }
}

/// Declares what is done with a task: an expression of it, which is opened to be changed or looked at.
macro_rules! with_task {
    ($access:ident $open:ident($task:expr), $result:expr, $error:expr, |$typed:ident| $value:expr) => {{
        let gather = |memory: &mut Memory<'_>| {
            memory.$access($task, 1, Argument::Task)?;
            memory.write($result, 1, Argument::Result)
        };
        // SAFETY: checked by `call`, promised by the caller.
        let act = |result: &Out<_>| unsafe {
            with_cell!(prnn_task::cell($task)?, C => {
                let $typed = prnn_task::$open::<C>($task);
                result.set($value);
                Ok(())
            })
        };
        // SAFETY: the caller's promise.
        unsafe { call($error, gather, act) }
    }};
}

/// Runs a task to its end. It may be called again, and does nothing then.
///
/// Errors: task: PRNN_CODE_NOT_A_TASK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_task_finish(task: *mut prnn_task, error: *mut prnn_error) -> prnn_status {
    let mut done = false;
    with_task!(write open(task), &raw mut done, error, |task| task.advance(usize::MAX))
}

/// Runs a task for at most so many steps, and tells whether all is done. A step is one of time, of one layer in one
/// direction, for all rows of the task. What is left may be run later, on this thread or another.
///
/// Errors: task: PRNN_CODE_NOT_A_TASK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_task_advance(
    task: *mut prnn_task,
    steps: usize,
    result: *mut bool,
    error: *mut prnn_error,
) -> prnn_status {
    with_task!(write open(task), result, error, |task| task.advance(steps))
}

/// Tells how many steps of a task are left.
///
/// Errors: task: PRNN_CODE_NOT_A_TASK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_task_steps_left(
    task: *const prnn_task,
    result: *mut usize,
    error: *mut prnn_error,
) -> prnn_status {
    with_task!(read look(task), result, error, |task| task.steps_left())
}

/// Tells the places of a task's sequences in the sorted batch.
///
/// Errors: task: PRNN_CODE_NOT_A_TASK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_task_places(
    task: *const prnn_task,
    result: *mut prnn_range,
    error: *mut prnn_error,
) -> prnn_status {
    with_task!(read look(task), result, error, |task| range(task.places()))
}

/// Tells a task's directions: of two, forward is 0 and reverse is 1; a single one is 0.
///
/// Errors: task: PRNN_CODE_NOT_A_TASK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_task_directions(
    task: *const prnn_task,
    result: *mut prnn_range,
    error: *mut prnn_error,
) -> prnn_status {
    with_task!(read look(task), result, error, |task| range(task.directions()))
}

/// Tells the estimated cost of all steps of a task, in the unit of prnn_cost.
///
/// Errors: task: PRNN_CODE_NOT_A_TASK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prnn_task_cost(
    task: *const prnn_task,
    result: *mut u64,
    error: *mut prnn_error,
) -> prnn_status {
    with_task!(read look(task), result, error, |task| task.cost())
}

fn range(Range { start, end }: Range<usize>) -> prnn_range {
    prnn_range { first: start, end }
}
