//! Looking a password up in a sorted file of breached passwords' hashes, as "Pwned Passwords" is published: one SHA-1 in hexadecimal a line,
//! perhaps with a colon and a count. The file is tens of gigabytes, so it is asked by offset and never read. No file is opened here.

use std::fmt;

use sha1::{Digest as _, Sha1};

use super::Password;

/// Digits of a hash in hexadecimal.
const HASH_DIGITS: usize = 40;
/// Longest line, its end included: a hash, a colon and a count with room to spare.
const LINE_BYTES_MAX: usize = 80;
/// What is read at once: the rest of one line, and a whole one.
const WINDOW_BYTES: usize = 2 * LINE_BYTES_MAX;
/// How many lines are compared with each other when a file is checked.
const SAMPLES: u64 = 64;

/// What a breached password is listed under: SHA-1 of its UTF-8 bytes.
///
/// SHA-1 because the lists have it. It is a key to search for and protects nothing; what is kept of a password is a
/// [`PasswordHash`](super::PasswordHash).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BreachKey([u8; 20]);

impl BreachKey {
    /// The key of a password, as it was brought to normalisation form C.
    pub fn of(password: &Password) -> Self {
        Self(Sha1::digest(password.reveal().as_bytes()).into())
    }
}

impl fmt::Debug for BreachKey {
    /// Guessing is quick where the key is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BreachKey(..)")
    }
}

/// Why a file of hashes cannot be asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BreachListError<E> {
    /// Reading failed.
    #[error(transparent)]
    Read(E),
    /// There is no line in it.
    #[error("it is empty")]
    Empty,
    /// A line is something else.
    #[error(
        "the line at byte {at} is not a SHA-1 hash of 40 hexadecimal digits, perhaps followed by a colon and a count"
    )]
    Line {
        /// Where the line begins.
        at: u64,
    },
    /// A line is not where a search would look for it.
    #[error("the line at byte {at} is not in its place: the file has to be the one that is sorted by hash")]
    Order {
        /// Where the line begins.
        at: u64,
    },
}

/// A file of hashes, by its length and by what reads from it. Lines end with LF or CRLF; digits are in either case.
///
/// `read_at` fills the whole of its buffer from an offset, and is only asked for bytes the file has.
///
/// ```
/// use cloakroom_core::password::{BreachKey, BreachList, Password};
///
/// let file = b"ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42:221\r\nB0399D2029F64D445BD131FFAA399A42D2F8E7DC:4\r\n";
/// let mut list = BreachList::new(file.len() as u64, |at: u64, buffer: &mut [u8]| {
///     let at = usize::try_from(at).unwrap();
///     buffer.copy_from_slice(&file[at..at + buffer.len()]);
///     Ok::<(), std::io::Error>(())
/// });
/// list.check()?;
/// assert!(list.contains(&BreachKey::of(&Password::new("correct horse battery staple")?))?);
/// assert!(!list.contains(&BreachKey::of(&Password::new("violet tractor hums at noon")?))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BreachList<R> {
    bytes: u64,
    read_at: R,
}

/// A line that was read.
#[derive(Clone, Copy)]
struct Line {
    /// Where it begins.
    at: u64,
    /// Where the next one begins, or the file ends.
    end: u64,
    key: [u8; 20],
}

impl<E, R: FnMut(u64, &mut [u8]) -> Result<(), E>> BreachList<R> {
    /// A file of so many bytes.
    pub const fn new(bytes: u64, read_at: R) -> Self {
        Self { bytes, read_at }
    }

    /// Whether `wanted` is listed. Reads at most 160 bytes at a time, as often as the length can be halved: 36 times for 40 GB.
    ///
    /// # Errors
    /// When reading fails, or when a line that was met is malformed or not in its place: then "no" would mean nothing.
    pub fn contains(&mut self, wanted: &BreachKey) -> Result<bool, BreachListError<E>> {
        if self.bytes == 0 {
            return Err(BreachListError::Empty);
        }
        // Who is listed begins in low..high. Both sides remember the key met there, to notice lines that are out of order.
        let (mut low, mut high) = (0, self.bytes);
        let (mut above, mut below) = ([0; 20], [u8::MAX; 20]);
        while low < high {
            let middle = low + (high - low) / 2;
            let line = match self.first_line_from(middle, low)? {
                Some(line) if line.at < high => line,
                _ => {
                    high = middle;
                    continue;
                }
            };
            if !(above..=below).contains(&line.key) {
                return Err(BreachListError::Order { at: line.at });
            }
            match line.key.cmp(&wanted.0) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => (low, above) = (line.end, line.key),
                std::cmp::Ordering::Greater => (high, below) = (middle, line.key),
            }
        }
        Ok(false)
    }

    /// Looks at the first line, the last and some in between: whether it is such a file at all, and sorted.
    ///
    /// # Errors
    /// When reading fails, or when one of these lines is malformed or not in its place.
    pub fn check(&mut self) -> Result<(), BreachListError<E>> {
        let mut before = self.first_line_from(0, 0)?.ok_or(BreachListError::Empty)?;
        let step = (self.bytes / SAMPLES).max(1);
        let samples = (1..SAMPLES).map(|sample| sample * step);
        let last = self.bytes.saturating_sub(LINE_BYTES_MAX as u64);
        for from in samples.take_while(|from| *from < last).chain([last]) {
            let Some(line) = self.first_line_from(from, 0)? else { break };
            before = in_order(before, line)?;
        }
        // From the last line met to the end of the file it is a few lines at most.
        while before.end < self.bytes {
            let at = before.end;
            let line = self.first_line_from(at, at)?.ok_or(BreachListError::Line { at })?;
            before = in_order(before, line)?;
        }
        Ok(())
    }

    /// The first line that begins at `from` or later; `known` is an offset at which one is known to begin.
    fn first_line_from(&mut self, from: u64, known: u64) -> Result<Option<Line>, BreachListError<E>> {
        // One byte earlier: whether a line begins at `from` is said by what is in front of it.
        let begin = if from == known { from } else { from - 1 };
        let mut window = [0; WINDOW_BYTES];
        let length = usize::try_from(self.bytes.saturating_sub(begin)).unwrap_or(WINDOW_BYTES).min(WINDOW_BYTES);
        let Some(window) = window.get_mut(..length) else { return Ok(None) };
        (self.read_at)(begin, window).map_err(BreachListError::Read)?;
        let skipped = if from == known { 0 } else { end_of_line(window) };
        if skipped > LINE_BYTES_MAX {
            return Err(BreachListError::Line { at: begin });
        }
        let at = begin + skipped as u64;
        let rest = window.get(skipped..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let line = rest.get(..end_of_line(rest)).unwrap_or_default();
        let key = key_of(line).ok_or(BreachListError::Line { at })?;
        Ok(Some(Line { at, end: at + line.len() as u64, key }))
    }
}

impl<R> fmt::Debug for BreachList<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreachList").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

fn in_order<E>(before: Line, line: Line) -> Result<Line, BreachListError<E>> {
    let is_in_order = line.at <= before.at || before.key <= line.key;
    if is_in_order { Ok(line) } else { Err(BreachListError::Order { at: line.at }) }
}

/// How many bytes the first line has with its end, or all of them where it has none.
fn end_of_line(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1)
}

/// The hash of a line with its end; `None` where it is no such line.
fn key_of(line: &[u8]) -> Option<[u8; 20]> {
    let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let (digits, count) = line.split_at_checked(HASH_DIGITS)?;
    let is_count = match count.strip_prefix(b":") {
        Some(count) => !count.is_empty() && count.iter().all(u8::is_ascii_digit),
        None => count.is_empty(),
    };
    if !is_count || line.len() > LINE_BYTES_MAX - 2 {
        return None;
    }
    let mut key = [0; 20];
    for (byte, digits) in key.iter_mut().zip(digits.chunks_exact(2)) {
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests;
