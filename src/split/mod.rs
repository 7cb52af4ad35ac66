//! A run in parts: tasks over contiguous rows of the sorted batch, for as many threads as the caller has.
//!
//! The rows of a run need nothing of each other: what a layer reads of a sequence, the layer before wrote for the same
//! sequence. So tasks run without synchronisation, in any order, and give the bits of the undivided run. Their rows
//! interleave in memory, step by step; no task forms a slice over them.

#![allow(unsafe_code)]

mod cost;

use crate::cell::Cell;
use crate::error::{Argument, Code, Error};
use crate::layout::Layout;
use crate::model::{Model, Shape};
use crate::rows::FloatsMut;
use crate::run::{Given, Part, Run, States};
use core::fmt;
use core::ops::Range;
use cost::RowCosts;

/// How a run is split into tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split<'a> {
    cuts: Cuts<'a>,
    by_direction: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cuts<'a> {
    /// At most so many tasks, cut by their cost.
    Tasks(usize),
    /// A task at place 0, and at each of these.
    At(&'a [usize]),
}

impl<'a> Split<'a> {
    /// Into at most `tasks` tasks by rows, none of which costs more than must be.
    pub const fn rows(tasks: usize) -> Self {
        Self { cuts: Cuts::Tasks(tasks), by_direction: false }
    }

    /// Into tasks that begin at place 0 of the sorted batch and at each of `places`, which grow and are within the batch.
    pub const fn at(places: &'a [usize]) -> Self {
        Self { cuts: Cuts::At(places), by_direction: false }
    }

    /// Each of them as one task for each direction, twice as many where there are two. Only a network of one layer can be
    /// split so: a second one reads both directions of the first. [`Model::layer`] gives a stacked network's layers one
    /// by one.
    pub const fn by_direction(self) -> Self {
        Self { by_direction: true, ..self }
    }

    fn check(&self, shape: Shape, batch: usize) -> Result<(), Error> {
        if self.by_direction && shape.num_layers > 1 {
            return Err(Error::new(Code::Unsupported, Argument::NumLayers, shape.num_layers, 1));
        }
        match self.cuts {
            Cuts::Tasks(0) => Err(Error::new(Code::Zero, Argument::Tasks, 0, 1)),
            Cuts::Tasks(_) => Ok(()),
            Cuts::At(places) => {
                let mut least = 1;
                for (index, &place) in places.iter().enumerate() {
                    let last = batch.saturating_sub(1);
                    if place < least || place > last {
                        let bound = if place < least { least } else { last };
                        return Err(Error::new(Code::NotACut, Argument::Places, place, bound).at(index));
                    }
                    least = place + 1;
                }
                Ok(())
            }
        }
    }
}

impl<'m, C: Cell> Model<'m, C> {
    /// [`Model::run`] in tasks, which may run on any threads, in any order, and a piece at a time; each output has the
    /// same bits as in the undivided run.
    ///
    /// Tasks are cut so that the dearest costs as little as can be, to a part in 256 ([`Model::cost`]); there are fewer
    /// than asked for where more would not help. A task costs O(B) beside its steps for each layer and direction, so that
    /// tasks are to be many rows or many steps long. The arguments are those of [`Model::run`]; of `scratch`, what is
    /// beyond [`Model::scratch_len`] goes to the task at place 0 (by direction, [`Model::ahead_len`] for each is used).
    /// The outputs and states stay borrowed until the last task is gone; those of the rows of a task that was dropped
    /// before its end may hold anything.
    ///
    /// ```compile_fail,E0502
    /// # use packed_rnn::{Gru, Layout, Model, Shape, Split, States};
    /// # let panels = vec![0.1; Model::<Gru>::panels_len(Shape::new(1, 2))];
    /// # let model = Model::<Gru>::from_panels(Shape::new(1, 2), &panels)?;
    /// # let mut sorted_lengths = [0; 1];
    /// # let layout = Layout::from_sorted(&[1], &mut sorted_lengths)?;
    /// # let (mut hn, mut output) = ([0.0; 2], [0.0; 2]);
    /// let mut tasks = model.split(&layout, &[0.5], States::new(&mut hn), &mut output, &mut [], Split::rows(1))?;
    /// let task = tasks.next();
    /// drop(tasks);
    /// println!("{}", output[0]); // refused: `task` may still write here
    /// drop(task);
    /// # Ok::<(), packed_rnn::Error>(())
    /// ```
    ///
    /// ```
    /// use packed_rnn::{Gru, Layout, Model, Shape, Split, States};
    ///
    /// let panels = vec![0.1; Model::<Gru>::panels_len(Shape::new(1, 2))];
    /// let model = Model::<Gru>::from_panels(Shape::new(1, 2), &panels)?;
    /// let mut sorted_lengths = [0; 4];
    /// let layout = Layout::from_sorted(&[9, 8, 6, 3], &mut sorted_lengths)?;
    /// let (mut hn, mut output) = ([0.0; 8], [0.0; 52]);
    /// let tasks = model.split(&layout, &[0.5; 26], States::new(&mut hn), &mut output, &mut [], Split::rows(2))?;
    /// std::thread::scope(|scope| tasks.for_each(|task| drop(scope.spawn(|| task.finish()))));
    /// assert_eq!(hn[..2], output[50..]);
    /// # Ok::<(), packed_rnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Model::run`]; `num_layers`: [`Code::Unsupported`] where more than one layer is split by direction; `tasks`:
    /// [`Code::Zero`]; `places`: [`Code::NotACut`].
    pub fn split<'r>(
        &self,
        layout: &Layout<'r>,
        input: &'r [f32],
        states: States<'r>,
        output: &'r mut [f32],
        scratch: &'r mut [f32],
        split: Split<'r>,
    ) -> Result<Tasks<'r, C>, Error>
    where
        'm: 'r,
    {
        let mut given = Given::of(input, states, output, scratch);
        given.check(self, layout)?;
        split.check(self.shape, layout.batch())?;
        Ok(Tasks::of(self, layout, given, split))
    }

    /// [`Model::run_last`] in tasks, as [`Model::split`].
    ///
    /// # Errors
    /// As [`Model::run_last`] and [`Model::split`].
    pub fn split_last<'r>(
        &self,
        layout: &Layout<'r>,
        input: &'r [f32],
        states: States<'r>,
        scratch: &'r mut [f32],
        split: Split<'r>,
    ) -> Result<Tasks<'r, C>, Error>
    where
        'm: 'r,
    {
        let mut given = Given::of(input, states, &mut [], scratch);
        given.check_last(self, layout)?;
        split.check(self.shape, layout.batch())?;
        Ok(Tasks::of(self, layout, given, split))
    }

    /// The estimated cost of a run over a layout on one thread, in multiply-adds of a run of many rows: a token that runs
    /// alone counts for more than one among others. A server that fills batches may compare layouts by it.
    pub fn cost(&self, layout: &Layout<'_>) -> u64 {
        RowCosts::on(self.backend()).multiply_adds(layout.sorted_lengths(), cost::of_token::<C>(self.shape()))
    }
}

/// The tasks of a run: an iterator that makes one after another.
#[must_use = "nothing of the run is computed but by its tasks"]
pub struct Tasks<'r, C: Cell> {
    model: Model<'r, C>,
    layout: Layout<'r>,
    given: Given<'r>,
    ends: Ends<'r>,
    places: Range<usize>,
    /// Directions of a task.
    step: usize,
    direction: usize,
    left: usize,
}

/// Where tasks end.
enum Ends<'r> {
    /// Before they cost more.
    Cost(RowCosts, u64),
    /// Where the next one begins.
    Places(core::slice::Iter<'r, usize>),
}

impl<'r, C: Cell> Tasks<'r, C> {
    #[inline(always)]
    fn of(model: &Model<'r, C>, layout: &Layout<'r>, given: Given<'r>, split: Split<'r>) -> Self {
        let lengths = layout.sorted_lengths();
        let (parts, ends) = match split.cuts {
            Cuts::Tasks(tasks) => {
                let rows = RowCosts::on(model.backend());
                let (parts, most) = rows.cut(lengths, tasks);
                (parts, Ends::Cost(rows, most))
            }
            Cuts::At(places) => (if lengths.is_empty() { 0 } else { places.len() + 1 }, Ends::Places(places.iter())),
        };
        let directions = model.shape().direction.count();
        let (step, left) = if split.by_direction { (1, parts * directions) } else { (directions, parts) };
        Self { model: *model, layout: *layout, given, ends, places: 0..0, step, direction: directions, left }
    }

    /// The rows of the next task, and its room ahead.
    #[inline(always)]
    pub(crate) fn next_rows(&mut self) -> Option<(Part, FloatsMut<'r>)> {
        self.left = self.left.checked_sub(1)?;
        let all = self.model.shape().direction.count();
        if self.direction >= all {
            let lengths = self.layout.sorted_lengths();
            let first = self.places.end;
            let end = match &mut self.ends {
                Ends::Cost(costs, most) => costs.end(lengths, first, *most),
                Ends::Places(places) => places.next().copied().unwrap_or(lengths.len()),
            };
            (self.places, self.direction) = (first..end, 0);
        }
        // Only where all that run stand together, from place 0 on, is anything computed ahead.
        let mine = match (all - self.direction).checked_div(self.step) {
            Some(tasks) if self.places.start == 0 => self.given.ahead.len().checked_div(tasks).unwrap_or(0),
            _ => 0,
        };
        let (mine, others) = self.given.ahead.split_at(mine);
        self.given.ahead = others;
        let directions = self.direction..self.direction + self.step;
        self.direction = directions.end;
        Some((Part::of(self.places.clone(), directions), mine))
    }

    /// The task of these rows, which has to begin where it is to stay.
    #[inline(always)]
    pub(crate) fn task(&self, (part, ahead): (Part, FloatsMut<'r>)) -> Task<'r, C> {
        Task { model: self.model, layout: self.layout, given: self.given.with_ahead(ahead), part }
    }
}

impl<'r, C: Cell> Iterator for Tasks<'r, C> {
    type Item = Task<'r, C>;

    fn next(&mut self) -> Option<Task<'r, C>> {
        let next = self.next_rows()?;
        let mut task = self.task(next);
        task.begin();
        Some(task)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<C: Cell> ExactSizeIterator for Tasks<'_, C> {}

/// Some rows of a run. It may be sent to another thread at any time; nothing but its own rows is written.
#[must_use = "the rows of a task that does not run are not computed"]
pub struct Task<'r, C: Cell> {
    model: Model<'r, C>,
    layout: Layout<'r>,
    given: Given<'r>,
    part: Part,
}

impl<C: Cell> Task<'_, C> {
    /// Without a token there is no step in which the initial states would become the final ones.
    #[inline(always)]
    pub(crate) fn begin(&mut self) {
        if self.steps_left() == 0 {
            self.advance(0);
        }
    }

    /// Runs to the end.
    pub fn finish(mut self) {
        self.advance(usize::MAX);
    }

    /// Runs for at most `steps` steps, and tells whether all is done. A step is one of time, of one layer in one
    /// direction, for all rows of the task. What is left may be run later, on this thread or another.
    pub fn advance(&mut self, steps: usize) -> bool {
        let Self { model, layout, given, part } = self;
        part.advance(&Run::of(model, layout, given), steps)
    }

    /// How many steps are left.
    pub fn steps_left(&self) -> usize {
        self.part.steps_left(&Run::of(&self.model, &self.layout, &self.given))
    }

    /// The places of its sequences in the sorted batch ([`Layout::sorted_indices`]).
    pub fn places(&self) -> Range<usize> {
        self.part.places()
    }

    /// Its directions: of two, forward is 0 and reverse is 1; a single one is 0.
    pub fn directions(&self) -> Range<usize> {
        self.part.directions()
    }

    /// The estimated cost of all its steps, in the unit of [`Model::cost`].
    pub fn cost(&self) -> u64 {
        let lengths = self.layout.sorted_lengths().get(self.places()).unwrap_or_default();
        let shape = self.model.shape();
        let token = cost::of_token::<C>(shape) / shape.direction.count() as u64 * self.directions().len() as u64;
        RowCosts::on(self.model.backend()).multiply_adds(lengths, token)
    }
}

impl<C: Cell> fmt::Debug for Task<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (places, directions, steps_left) = (self.places(), self.directions(), self.steps_left());
        f.debug_struct("Task")
            .field("places", &places)
            .field("directions", &directions)
            .field("steps_left", &steps_left)
            .finish_non_exhaustive()
    }
}

impl<C: Cell> fmt::Debug for Tasks<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("left", &self.left).finish_non_exhaustive()
    }
}

// On a device `Reread` is not `Unpin`; a task may be moved there as elsewhere.
impl<C: Cell> Unpin for Task<'_, C> {}
impl<C: Cell> Unpin for Tasks<'_, C> {}

// SAFETY: a task reads panels, input, initial states, lengths and order, which are borrowed shared for as long as it
// lives. It writes, through pointers made from `&mut` slices that stay borrowed as long, the rows of its places in its
// directions, and its own room ahead. What it reads of the outputs and the final states, be it the state before or the
// layer before, are rows of its places too: both directions of a layer before, and then it has both. `Tasks` gives each
// place in each direction to one task; `Layout` holds a permutation, so that places are different rows of states; and a
// walk keeps to its places: each step is clamped to them, and a window ahead holds tokens of no others.
unsafe impl<C: Cell> Send for Task<'_, C> {}

// SAFETY: as a task, for all rows that have not been given to one.
unsafe impl<C: Cell> Send for Tasks<'_, C> {}
