//! Aligned columns, for lists that come a page at a time.

use std::io::{self, Write};

use super::text::escaped;

/// Rows of `N` columns. A column is as wide as the widest cell seen so far, so that no list has to fit into memory.
pub(super) struct Columns<const N: usize> {
    header: Option<[String; N]>,
    widths: [usize; N],
}

impl<const N: usize> Columns<N> {
    /// Columns with these titles, which stand above the first page.
    pub(super) fn titled(titles: [&str; N]) -> Self {
        Self { header: Some(titles.map(str::to_owned)), widths: [0; N] }
    }

    /// Writes a page. An empty first one writes the titles alone.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn write(&mut self, page: impl Iterator<Item = [String; N]>, out: &mut impl Write) -> io::Result<()> {
        let rows: Vec<_> = self.header.take().into_iter().chain(page).map(shown).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (width, cell) in self.widths.iter().zip(row) {
                line.push_str(cell);
                let gap = width - cell.chars().count() + 2;
                line.extend(std::iter::repeat_n(' ', gap));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A cell without a value would shift those after it for programs that split at spaces.
fn shown<const N: usize>(row: [String; N]) -> [String; N] {
    row.map(|cell| if cell.is_empty() { "-".to_owned() } else { escaped(&cell).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_share_their_columns() {
        let mut out = Vec::new();
        let mut columns = Columns::titled(["name", "role"]);
        columns.write([["ada".to_owned(), "x".to_owned()]].into_iter(), &mut out).unwrap();
        columns.write([["\x1b".to_owned(), String::new()]].into_iter(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "name  role\nada   x\n\\u{1b}  -\n");
    }
}
