//! Charts as SVG: series in, text out. No words of its own, no colours, no script: classes say what the style sheet paints, in both colour
//! schemes, and no series is told from another by colour alone. What is not measured is a gap.

mod bar;
mod line;
pub(crate) mod number;
mod scale;
mod svg;

#[cfg(test)]
mod tests;

pub(crate) use bar::{Stack, bars};
pub(crate) use line::lines;
pub(crate) use scale::Scale;

use svg::{Coordinate, Svg};

/// The whole drawing, in its own units; the page makes it as wide as there is room.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 188.0;
/// Where values are drawn. Around it is room for labels in letters twice as big, for narrow screens.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 352.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 160.0;

/// Most series that can be told from each other.
pub(crate) const SERIES_MAX: usize = 5;

/// Everything around the values.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    /// Distinguishes the chart's parts from those of others on the page; of letters.
    pub(crate) id: &'a str,
    /// What is read out in place of the picture: its name …
    pub(crate) title: &'a str,
    /// … and what is to be seen in it.
    pub(crate) description: &'a str,
    /// Where a value lies.
    pub(crate) scale: Scale,
    /// What stands beside the scale's ticks, in their order.
    pub(crate) values: Vec<String>,
    /// What stands below, and where: 0 is the left end, 1 the right one.
    pub(crate) times: Vec<(f64, String)>,
    /// What is said where there is nothing to draw.
    pub(crate) nothing: &'a str,
}

impl Frame<'_> {
    /// The start of the drawing: its name, the lines across and the labels.
    fn begin(&self) -> Svg {
        let mut svg = Svg::new();
        let (title, description) = (format!("{}-title", self.id), format!("{}-description", self.id));
        svg.open(
            "svg",
            &[
                ("class", &"chart"),
                ("viewBox", &format_args!("0 0 {WIDTH} {HEIGHT}")),
                ("role", &"img"),
                ("aria-labelledby", &title),
                ("aria-describedby", &description),
            ],
        );
        svg.text("title", &[("id", &title)], self.title);
        svg.text("desc", &[("id", &description)], self.description);
        self.patterns(&mut svg);
        svg.open("g", &[("class", &"grid")]);
        for tick in self.scale.ticks() {
            let y = Coordinate(self.y(*tick));
            svg.empty("path", &[("d", &format_args!("M{} {y}H{}", Coordinate(LEFT), Coordinate(RIGHT)))]);
        }
        svg.close("g");
        svg.open("g", &[("class", &"values")]);
        for (tick, label) in self.scale.ticks().iter().zip(&self.values) {
            svg.text("text", &[("x", &Coordinate(LEFT - 6.0)), ("y", &Coordinate(self.y(*tick)))], label);
        }
        svg.close("g");
        svg.open("g", &[("class", &"times")]);
        for (number, (place, label)) in self.times.iter().enumerate() {
            let x = Coordinate(x(*place));
            svg.empty("path", &[("d", &format_args!("M{x} {}v4", Coordinate(BOTTOM)))]);
            // Where it is narrow there is room for every second one.
            let class = format!("{}{}", anchor(*place), if number % 2 == 1 { " odd" } else { "" });
            svg.text("text", &[("x", &x), ("y", &Coordinate(BOTTOM + 19.0)), ("class", &class)], label);
        }
        svg.close("g");
        svg
    }

    /// What tells areas from each other beside their colours. The first has none.
    fn patterns(&self, svg: &mut Svg) {
        const LINES: [&str; 5] = [
            "M-1 1L1 -1M0 6L6 0M5 7L7 5",
            "M3 1.6V4.4M1.6 3H4.4",
            "M0 1.5H6M0 4.5H6",
            "M-1 5L1 7M0 0L6 6M5 -1L7 1",
            "M0 6L6 0",
        ];
        let classes = ["s2", "s3", "s4", "s5", "gap"];
        svg.open("defs", &[]);
        for (class, lines) in classes.into_iter().zip(LINES) {
            svg.open(
                "pattern",
                &[
                    ("id", &format_args!("{}-{class}", self.id)),
                    ("width", &6),
                    ("height", &6),
                    ("patternUnits", &"userSpaceOnUse"),
                ],
            );
            svg.empty("rect", &[("class", &class), ("width", &6), ("height", &6)]);
            svg.empty("path", &[("class", &"hatch"), ("d", &lines)]);
            svg.close("pattern");
        }
        svg.close("defs");
    }

    /// Marks where nothing was measured: otherwise it would look like zero.
    fn gaps(&self, svg: &mut Svg, is_gap: &[bool]) {
        let count = is_gap.len();
        let mut from = 0;
        for run in is_gap.chunk_by(|one, next| one == next) {
            let to = from + run.len();
            if run.first() == Some(&true) {
                let (left, right) = (x(place(from, count)), x(place(to, count)));
                let fill = format!("url(#{}-gap)", self.id);
                rect(svg, &fill, (left, TOP), (right, BOTTOM));
            }
            from = to;
        }
    }

    /// The end of the drawing.
    fn end(&self, mut svg: Svg, is_empty: bool) -> String {
        svg.empty("path", &[("class", &"axis"), ("d", &format_args!("M{LEFT} {BOTTOM}H{RIGHT}"))]);
        if is_empty {
            let (x, y) = (Coordinate(f64::midpoint(LEFT, RIGHT)), Coordinate(f64::midpoint(TOP, BOTTOM)));
            svg.text("text", &[("class", &"nothing"), ("x", &x), ("y", &y)], self.nothing);
        }
        svg.close("svg");
        svg.done()
    }

    /// How high a value lies.
    fn y(&self, value: u128) -> f64 {
        BOTTOM - self.scale.fraction(value) * (BOTTOM - TOP)
    }
}

/// How far to the right something lies: 0 is the left end, 1 the right one.
fn x(place: f64) -> f64 {
    LEFT + place.clamp(0.0, 1.0) * (RIGHT - LEFT)
}

/// How far to the right the start of one of `count` lies: 0 is the left end, 1 the right one.
#[expect(clippy::cast_precision_loss, reason = "a chart has some hundred points")]
pub(crate) fn place(index: usize, count: usize) -> f64 {
    index as f64 / count.max(1) as f64
}

/// The middle of one of `count`.
fn middle(index: usize, count: usize) -> f64 {
    f64::midpoint(place(index, count), place(index + 1, count))
}

/// Labels at the ends stay within the drawing.
fn anchor(place: f64) -> &'static str {
    match place {
        place if place < 0.05 => "first",
        place if place > 0.95 => "last",
        _ => "between",
    }
}

/// The class of a series by its place.
fn class(series: usize) -> &'static str {
    const CLASSES: [&str; SERIES_MAX] = ["s1", "s2", "s3", "s4", "s5"];
    CLASSES.get(series).copied().unwrap_or("s5")
}

fn rect(svg: &mut Svg, fill: &str, (left, top): (f64, f64), (right, bottom): (f64, f64)) {
    let (width, height) = (Coordinate((right - left).max(0.0)), Coordinate((bottom - top).max(0.0)));
    let (x, y) = (Coordinate(left), Coordinate(top));
    svg.empty("rect", &[("fill", &fill), ("x", &x), ("y", &y), ("width", &width), ("height", &height)]);
}

/// A small piece of a series, for the legend; `None` is what was not measured. Belongs to a chart on the same page.
pub(crate) fn swatch(id: &str, series: Option<usize>, is_line: bool) -> String {
    let mut svg = Svg::new();
    svg.open("svg", &[("class", &"swatch"), ("viewBox", &"0 0 28 14"), ("aria-hidden", &"true")]);
    match series {
        Some(series) if is_line => {
            svg.empty("path", &[("class", &format_args!("line {}", class(series))), ("d", &"M1 7H27")]);
        }
        Some(0) => svg.empty("rect", &[("class", &"s1"), ("width", &28), ("height", &14)]),
        other => {
            let of = other.map_or("gap", class);
            svg.empty("rect", &[("fill", &format_args!("url(#{id}-{of})")), ("width", &28), ("height", &14)]);
        }
    }
    svg.close("svg");
    svg.done()
}
