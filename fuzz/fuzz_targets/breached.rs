//! Whatever is in a file of breached passwords' hashes: a search ends in few reads, reads nothing beyond the end, and in a sorted file finds what
//! reading all of it finds.
#![no_main]

use cloakroom_core::password::{BreachKey, BreachList, Password};
use libfuzzer_sys::fuzz_target;

/// Their SHA-1 are in the seeds: ABF7AAD6… and D1DB36AB….
const LISTED: [(&str, &str); 2] = [
    ("correct horse battery staple", "ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42"),
    ("violet tractor hums at noon", "D1DB36AB52723745CC4A82335F24DE387F8FE18C"),
];

fuzz_target!(|file: &[u8]| {
    let mut reads = 0;
    let mut list = BreachList::new(file.len() as u64, |at: u64, buffer: &mut [u8]| {
        reads += 1;
        assert!(buffer.len() <= 160, "{} bytes at once", buffer.len());
        let at = usize::try_from(at).expect("an offset in the file");
        buffer.copy_from_slice(file.get(at..at + buffer.len()).expect("nothing beyond the end is asked for"));
        Ok::<(), std::convert::Infallible>(())
    });
    let checked = list.check().is_ok();
    let found = LISTED.map(|(password, _)| {
        let key = BreachKey::of(&Password::new(password).expect("a password"));
        list.contains(&key)
    });
    assert!(reads <= 64 + 160 + 2 * 65, "{reads} reads");
    let Some(lines) = sorted(file) else { return };
    assert!(checked, "a sorted file is refused");
    for (found, (_, hash)) in found.into_iter().zip(LISTED) {
        assert_eq!(found, Ok(lines.iter().any(|line| line == hash)), "{hash}");
    }
});

/// The hashes of a file that is one, in capitals; read from the beginning to the end, with nothing clever.
fn sorted(file: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(file).ok().filter(|text| !text.is_empty())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let is_last_ended = text.len() < file.len();
    let mut hashes = Vec::new();
    let count = text.split('\n').count();
    for (number, line) in text.split('\n').enumerate() {
        let has_end = number + 1 < count || is_last_ended;
        let line = if has_end { line.strip_suffix('\r').unwrap_or(line) } else { line };
        let (hash, count) = line.split_once(':').unwrap_or((line, "1"));
        let is_hash = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash || count.is_empty() || line.len() > 78 || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        hashes.push(hash.to_ascii_uppercase());
    }
    hashes.is_sorted().then_some(hashes)
}
