//! Aligned columns, for lists that come a page at a time. What does not fit the terminal is shortened with …, from the right:
//! the columns that matter most stand first.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::text::escaped;

/// Between two columns.
const GAP: usize = 2;
/// A column is not made narrower than this, while others to its left still have their width.
const NARROWEST: usize = 6;

/// Rows of `N` columns. A column is as wide as the widest cell seen so far, so that no list has to fit into memory.
pub(super) struct Columns<const N: usize> {
    header: Option<[String; N]>,
    widths: [usize; N],
    room: Option<usize>,
}

impl<const N: usize> Columns<N> {
    /// Columns with these titles, which stand above the first page. The most important comes first.
    pub(super) fn titled(titles: [impl Into<String>; N]) -> Self {
        Self { header: Some(titles.map(Into::into)), widths: [0; N], room: None }
    }

    /// The same in as many columns of the terminal as there are: see [`room`](super::voice::room).
    pub(super) fn within(self, room: Option<usize>) -> Self {
        Self { room, ..self }
    }

    /// Writes a page. An empty first one writes the titles alone.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn write(&mut self, page: impl Iterator<Item = [String; N]>, out: &mut impl Write) -> io::Result<()> {
        let rows: Vec<_> = self.header.take().into_iter().chain(page).map(shown).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let widths = self.room.map_or(self.widths, |room| fitting(self.widths, room));
        for row in &rows {
            let mut line = String::new();
            for (width, cell) in widths.iter().zip(row) {
                let cell = shortened(cell, *width);
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', width - cell.width() + GAP));
            }
            let line = line.trim_end();
            writeln!(out, "{}", self.room.map_or_else(|| line.to_owned(), |room| shortened(line, room)))?;
        }
        Ok(())
    }
}

/// The widths at which a row fits, if it can: the column furthest to the right gives way first.
fn fitting<const N: usize>(mut widths: [usize; N], room: usize) -> [usize; N] {
    let mut over = (widths.iter().sum::<usize>() + GAP * N.saturating_sub(1)).saturating_sub(room);
    for width in widths.iter_mut().rev() {
        let less = over.min(width.saturating_sub(NARROWEST));
        *width -= less;
        over -= less;
    }
    widths
}

/// A text in at most `width` columns of a terminal, on which East Asian characters take two.
fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |c: &char| {
        taken += c.width().unwrap_or(0);
        taken < width // one is for the …
    };
    let mut shown: String = text.chars().take_while(fits).collect();
    if width > 0 {
        shown.push('…');
    }
    shown
}

/// A cell without a value would shift those after it for programs that split at spaces.
fn shown<const N: usize>(row: [String; N]) -> [String; N] {
    row.map(|cell| if cell.is_empty() { "-".to_owned() } else { escaped(&cell).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<const N: usize>(columns: Columns<N>, page: &[[&str; N]]) -> String {
        let mut out = Vec::new();
        let mut columns = columns;
        columns.write(page.iter().map(|row| row.map(str::to_owned)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn pages_share_their_columns() {
        let mut out = Vec::new();
        let mut columns = Columns::titled(["name", "role"]);
        columns.write([["ada".to_owned(), "x".to_owned()]].into_iter(), &mut out).unwrap();
        columns.write([["\x1b".to_owned(), String::new()]].into_iter(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "name  role\nada   x\n\\u{1b}  -\n");
    }

    #[test]
    fn east_asian_characters_take_two_columns() {
        let out = written(Columns::titled(["ログイン名", "役割"]), &[["ada", "管理者"], ["花子", "一般"]]);
        assert_eq!(out, "ログイン名  役割\nada         管理者\n花子        一般\n");
    }

    #[test]
    fn the_rightmost_column_gives_way_first() {
        let rows = [["0199b7c2", "a long user agent", "a longer request id"]];
        for (room, wanted) in [
            (80, "0199b7c2  a long user agent  a longer request id"),
            (40, "0199b7c2  a long user agent  a longer r…"),
            (30, "0199b7c2  a long user…  a lon…"),
            (24, "0199b7c2  a lon…  a lon…"),
            (23, "0199b7…  a lon…  a lon…"),
            (10, "0199b…  a…"),
            (1, "…"),
        ] {
            let out = written(Columns::titled(["id", "agent", "request"]).within(Some(room)), &rows);
            assert_eq!(out.lines().nth(1), Some(wanted), "{room}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(cells in proptest::array::uniform4("\\PC{0,30}|[ぁ-ん]{0,20}|[a-z ]{0,40}"), room in 1_usize..100) {
            let row = [&cells[0][..], &cells[1][..], &cells[2][..], &cells[3][..]];
            let out = written(Columns::titled(["a", "名前", "c", "d"]).within(Some(room)), &[row]);
            proptest::prop_assert_eq!(out.lines().count(), 2);
            for line in out.lines() {
                proptest::prop_assert!(line.width() <= room, "{:?} is wider than {}", line, room);
            }
        }
    }
}
