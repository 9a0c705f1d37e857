//! Lists in memory, in every form they come in, beside a plain set; and what is no such list.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

type Refused = BreachListError<Infallible>;

fn list(file: &[u8]) -> BreachList<impl FnMut(u64, &mut [u8]) -> Result<(), Infallible>> {
    BreachList::new(file.len() as u64, |at, buffer| {
        let at = usize::try_from(at).unwrap();
        buffer.copy_from_slice(&file[at..at + buffer.len()]); // panics beyond the end: nobody may ask there
        Ok(())
    })
}

fn check(file: &str) -> Result<(), Refused> {
    list(file.as_bytes()).check()
}

fn contains(file: &str, key: [u8; 20]) -> Result<bool, Refused> {
    list(file.as_bytes()).contains(&BreachKey(key))
}

fn key(first: u8) -> [u8; 20] {
    let mut key = [0x5a; 20];
    key[0] = first;
    key
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
struct Form {
    end: &'static str,
    /// Whether the last line has an end, too.
    is_ended: bool,
    is_upper: bool,
    has_counts: bool,
}

fn forms() -> impl Iterator<Item = Form> {
    (0..16).map(|bits| Form {
        end: if bits & 1 == 0 { "\n" } else { "\r\n" },
        is_ended: bits & 2 == 0,
        is_upper: bits & 4 == 0,
        has_counts: bits & 8 == 0,
    })
}

fn written<'a>(keys: impl IntoIterator<Item = &'a [u8; 20]>, form: Form) -> String {
    let mut file = String::new();
    for key in keys {
        let digits = key.iter().fold(String::new(), |digits, byte| {
            if form.is_upper { digits + &format!("{byte:02X}") } else { digits + &format!("{byte:02x}") }
        });
        // Counts of one to twenty digits, so that lines differ in length.
        let count =
            if form.has_counts { format!(":{}", "7".repeat(1 + usize::from(key[19] % 20))) } else { String::new() };
        write!(file, "{digits}{count}{}", form.end).unwrap();
    }
    if !form.is_ended {
        file.truncate(file.len() - form.end.len());
    }
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_list_answers_as_a_set_does(
        // Often near each other, so that neighbours differ in their last byte only.
        keys in prop::collection::btree_set(prop_oneof![any::<[u8; 20]>(), (0..4_u8, any::<u8>()).prop_map(|(a, z)| {
            let mut key = key(a);
            key[19] = z;
            key
        })], 1..200),
        others in prop::collection::vec(any::<[u8; 20]>(), 8),
        form in prop::sample::select(forms().collect::<Vec<_>>()),
    ) {
        let keys: BTreeSet<[u8; 20]> = keys;
        let neighbours = keys.iter().flat_map(|key| {
            let number = |of: u8| { let mut near = *key; near[19] = of; near };
            [number(key[19].wrapping_add(1)), number(key[19].wrapping_sub(1))]
        });
        let asked: Vec<[u8; 20]> = keys.iter().copied().chain(neighbours).chain(others).chain([[0; 20], [0xff; 20]]).collect();
        let file = written(&keys, form);
        prop_assert_eq!(check(&file), Ok(()), "{:?}", form);
        for key in &asked {
            prop_assert_eq!(contains(&file, *key), Ok(keys.contains(key)), "{:?} {:?}", form, key);
        }
    }

    /// Whatever is in the file: an answer or a refusal, no panic, and every line that is found is there.
    #[test]
    fn any_bytes_are_answered(file in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'A'), any::<u8>()], 0..500)) {
        let text = String::from_utf8_lossy(&file).to_ascii_uppercase();
        for key in [[0xaa; 20], [0; 20]] {
            if list(&file).contains(&BreachKey(key)) == Ok(true) {
                prop_assert!(text.contains(&"A".repeat(40)));
            }
        }
        let _ = list(&file).check();
    }
}

#[test]
fn the_key_is_the_one_the_lists_have() {
    let of = |text: &str| BreachKey::of(&Password::new(text).unwrap());
    let file = "ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42:221\r\nD1DB36AB52723745CC4A82335F24DE387F8FE18C:1\r\n";
    for listed in ["correct horse battery staple", "violet tractor hums at noon"] {
        assert_eq!(list(file.as_bytes()).contains(&of(listed)), Ok(true), "{listed}");
    }
    assert_eq!(list(file.as_bytes()).contains(&of("Violet tractor hums at noon")), Ok(false));
    assert_eq!(of("caf\u{e9}"), of("cafe\u{301}"), "normalisation form C");
    assert_eq!(format!("{:?}", of("violet tractor")), "BreachKey(..)");
}

#[test]
fn what_is_no_such_list_is_refused_with_the_place() {
    let (low, high) = (format!("{}:1\n", "0A".repeat(20)), format!("{}:1\n", "f0".repeat(20)));
    let line = |at| Err(Refused::Line { at });
    for (file, wanted) in [
        (String::new(), Err(Refused::Empty)),
        ("\n".to_owned(), line(0)),
        (format!("\u{feff}{low}"), line(0)),
        (low.replace(":1", ""), Ok(())),
        (low.replace(":1", ":"), line(0)),
        (low.replace(":1", ":-1"), line(0)),
        (low.replace(":1", " 1"), line(0)),
        (low.replace(":1", &format!(":{}", "1".repeat(38))), line(0)),
        (low.replace("0A0A", "0A"), line(0)), // as NTLM's, too short
        (low.replace("0A0A", "0G0A"), line(0)),
        (low.replace("0A0A", "+A0A"), line(0)),
        (format!("{low}{low}{high}"), Ok(())), // twice is no harm
        (format!("{high}{low}"), Err(Refused::Order { at: 43 })),
        (format!("{low}{}", &high[..39]), line(43)), // a download that was cut off
        (format!("{low}{high}\r\n"), line(86)),
        ("x".repeat(1000), line(0)),
        (format!("{low}{}", "x".repeat(1000)), line(43)),
    ] {
        let found = check(&file);
        // From where a sample was taken, the place may be within the line.
        match (&found, &wanted) {
            (Err(Refused::Line { at }), Err(Refused::Line { at: begin })) => {
                assert!(at >= begin, "{file:?}: {found:?}");
            }
            _ => assert_eq!(found, wanted, "{file:?}"),
        }
    }
}

#[test]
fn a_file_sorted_by_count_is_noticed_at_once_and_by_a_search() {
    let keys: Vec<[u8; 20]> = (0..200_u8).map(|number| key(number.wrapping_mul(151))).collect();
    let file = written(&keys, forms().next().unwrap());
    assert!(matches!(check(&file), Err(Refused::Order { .. })));
    let noticed = (0..=255).filter(|first| matches!(contains(&file, key(*first)), Err(Refused::Order { .. }))).count();
    assert!(noticed > 100, "{noticed} of 256 searches");
}

#[test]
fn a_search_reads_little_however_long_the_file_is() {
    // A file of 60 GB that is made up where it is read: line n is the number n.
    const LINE: usize = 43;
    let lines: u64 = 1_400_000_000;
    let (mut reads, mut most) = (0, 0);
    let mut contains = |number: u64| {
        let mut key = [0; 20];
        key[12..].copy_from_slice(&number.to_be_bytes());
        let mut list = BreachList::new(lines * LINE as u64, |at: u64, buffer: &mut [u8]| {
            (reads, most) = (reads + 1, buffer.len().max(most));
            let first = at / LINE as u64;
            let text =
                (first..first + 6).fold(String::new(), |text, number| text + &format!("{:040X}:1\n", number * 2));
            let skip = usize::try_from(at % LINE as u64).unwrap();
            buffer.copy_from_slice(&text.as_bytes()[skip..skip + buffer.len()]);
            Ok::<(), Infallible>(())
        });
        list.contains(&BreachKey(key)).unwrap()
    };
    for line in [0, 1, 1_000_000, lines / 2, lines - 2, lines - 1] {
        assert!(contains(line * 2) && !contains(line * 2 + 1), "{line}");
    }
    assert!(reads <= 12 * 37 && most <= WINDOW_BYTES, "{reads} reads of at most {most} bytes");
}

#[test]
fn what_cannot_be_read_is_no_answer() {
    let mut list = BreachList::new(1000, |_: u64, _: &mut [u8]| Err("gone"));
    assert_eq!(list.check(), Err(BreachListError::Read("gone")));
    assert_eq!(list.contains(&BreachKey([7; 20])), Err(BreachListError::Read("gone")));
}
