//! Lines, broken where nothing was measured.

use super::svg::{Coordinate, Svg};
use super::{BOTTOM, Frame, class, middle, x};

/// Draws each series of `all` as a line; all have as many values. A single one also as the area below it.
///
/// `has_marked_gaps` says whether what no series has is marked: not where a gap only means that there was nothing to measure.
pub(crate) fn lines(frame: &Frame<'_>, all: &[Vec<Option<u64>>], has_marked_gaps: bool) -> String {
    let mut svg = frame.begin();
    let count = all.iter().map(Vec::len).max().unwrap_or(0);
    let is_gap: Vec<_> =
        (0..count).map(|index| all.iter().all(|series| series.get(index).copied().flatten().is_none())).collect();
    let is_empty = is_gap.iter().all(|is_gap| *is_gap);
    if has_marked_gaps && !is_empty {
        frame.gaps(&mut svg, &is_gap);
    }
    for (number, series) in all.iter().enumerate() {
        for run in runs(series) {
            let points: Vec<_> = run.iter().map(|(index, value)| (x(middle(*index, count)), frame.y(*value))).collect();
            if all.len() == 1 && points.len() > 1 {
                area(&mut svg, class(number), &points);
            }
            line(&mut svg, class(number), &points);
        }
        let last = series.iter().enumerate().rev().find_map(|(index, value)| value.map(|value| (index, value)));
        if let Some((index, value)) = last {
            dot(&mut svg, class(number), (x(middle(index, count)), frame.y(u128::from(value))), 2.6);
        }
    }
    frame.end(svg, is_empty)
}

/// What follows each other without a gap: the place and the value of each.
fn runs(series: &[Option<u64>]) -> Vec<Vec<(usize, u128)>> {
    let mut runs = vec![Vec::new()];
    for (index, value) in series.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((index, u128::from(*value))),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn line(svg: &mut Svg, class: &str, points: &[(f64, f64)]) {
    if let [alone] = points {
        dot(svg, class, *alone, 1.6);
        return;
    }
    svg.empty("path", &[("class", &format_args!("line {class}")), ("d", &path(points))]);
}

fn area(svg: &mut Svg, class: &str, points: &[(f64, f64)]) {
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return };
    let bottom = Coordinate(BOTTOM);
    let d = format!("{}L{} {bottom}L{} {bottom}Z", path(points), Coordinate(*last), Coordinate(*first));
    svg.empty("path", &[("class", &format_args!("area {class}")), ("d", &d)]);
}

fn path(points: &[(f64, f64)]) -> String {
    let step = |(index, (x, y)): (usize, &(f64, f64))| {
        format!("{}{} {}", if index == 0 { 'M' } else { 'L' }, Coordinate(*x), Coordinate(*y))
    };
    points.iter().enumerate().map(step).collect()
}

fn dot(svg: &mut Svg, class: &str, (x, y): (f64, f64), radius: f64) {
    let (x, y, radius) = (Coordinate(x), Coordinate(y), Coordinate(radius));
    svg.empty("circle", &[("class", &format_args!("dot {class}")), ("cx", &x), ("cy", &y), ("r", &radius)]);
}
