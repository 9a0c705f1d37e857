//! Bars, one for each time, of parts that stand on each other.

use super::svg::{Coordinate, Svg};
use super::{BOTTOM, Frame, TOP, class, place, rect, x};

/// How much of its place a bar leaves free on either side.
const APART: f64 = 0.12;
/// How high the smallest part is drawn: what happened once is to be seen beside a thousand.
const HEIGHT_MIN: f64 = 1.0;

/// What is drawn at one time.
#[derive(Debug)]
pub(crate) struct Stack {
    /// What a pointer is told.
    pub(crate) label: String,
    /// The parts from below, as many in all stacks; `None` where nothing was measured.
    pub(crate) parts: Option<Vec<u64>>,
}

impl Stack {
    /// How high it is.
    pub(crate) fn total(&self) -> u64 {
        self.parts.iter().flatten().fold(0, |sum, part| sum.saturating_add(*part))
    }
}

/// Draws stacks side by side.
pub(crate) fn bars(frame: &Frame<'_>, stacks: &[Stack]) -> String {
    let mut svg = frame.begin();
    let is_gap: Vec<_> = stacks.iter().map(|stack| stack.parts.is_none()).collect();
    let is_empty = is_gap.iter().all(|is_gap| *is_gap);
    if !is_empty {
        frame.gaps(&mut svg, &is_gap);
    }
    for (index, stack) in stacks.iter().enumerate() {
        let (from, to) = (place(index, stacks.len()), place(index + 1, stacks.len()));
        let apart = (to - from) * APART;
        let (left, right) = (x(from + apart), x(to - apart));
        svg.open("g", &[]);
        svg.text("title", &[], &stack.label);
        let (mut below, mut bottom) = (0_u128, BOTTOM);
        for (number, part) in stack.parts.iter().flatten().enumerate().filter(|(_, part)| **part > 0) {
            below += u128::from(*part);
            let top = frame.y(below).min(bottom - HEIGHT_MIN).max(TOP - 8.0);
            match number {
                0 => plain(&mut svg, (left, top), (right, bottom)),
                _ => rect(&mut svg, &format!("url(#{}-{})", frame.id, class(number)), (left, top), (right, bottom)),
            }
            bottom = top;
        }
        svg.close("g");
    }
    frame.end(svg, is_empty)
}

/// A part of the first series, which has no pattern.
fn plain(svg: &mut Svg, (left, top): (f64, f64), (right, bottom): (f64, f64)) {
    let [left, top, right, bottom] = [left, top, right, bottom].map(Coordinate);
    svg.empty("path", &[("class", &"s1"), ("d", &format_args!("M{left} {bottom}V{top}H{right}V{bottom}Z"))]);
}
