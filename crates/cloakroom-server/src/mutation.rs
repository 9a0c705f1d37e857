//! Inputs for the tests of what is read from outside: each a file of `corpus/`, cut up, doubled and spoilt at random, as a fuzzer does it.
//!
//! The libFuzzer targets in `fuzz/` reach libraries only. What a long run finds becomes a file here: `PROPTEST_CASES=1000000 cargo test
//! -p cloakroom-server --bin cloakroom fuzzed`.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

/// One change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Cut(Index, u8),
    Insert(Index, Vec<u8>),
    Overwrite(Index, u8),
    /// A piece once more somewhere else.
    Copy(Index, Index, u8),
}

/// The files of `corpus/{name}`, each as it is or with some edits; `words` are what an edit likes to put in.
pub(crate) fn mutated(name: &str, words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let word = prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec());
    let text = prop_oneof![3 => word, 1 => prop::collection::vec(any::<u8>(), 1..4)];
    let at = any::<Index>();
    let edit = prop_oneof![
        (at.clone(), 1..24_u8).prop_map(|(at, length)| Edit::Cut(at, length)),
        (at.clone(), text).prop_map(|(at, text)| Edit::Insert(at, text)),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Edit::Overwrite(at, byte)),
        (at.clone(), at, 1..60_u8).prop_map(|(from, to, length)| Edit::Copy(from, to, length)),
    ];
    (prop::sample::select(corpus(name)), prop::collection::vec(edit, 0..6))
        .prop_map(|(seed, edits)| edits.into_iter().fold(seed, changed))
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn changed(mut input: Vec<u8>, edit: Edit) -> Vec<u8> {
    let end = |from: usize, length: u8, input: &[u8]| (from + usize::from(length)).min(input.len());
    match edit {
        Edit::Cut(at, length) => {
            let from = at.index(input.len() + 1);
            drop(input.drain(from..end(from, length, &input)));
        }
        Edit::Insert(at, text) => {
            let at = at.index(input.len() + 1);
            drop(input.splice(at..at, text));
        }
        Edit::Overwrite(at, byte) => {
            let at = at.index(input.len() + 1);
            if let Some(found) = input.get_mut(at) {
                *found = byte;
            }
        }
        Edit::Copy(from, to, length) => {
            let from = from.index(input.len() + 1);
            let piece = input[from..end(from, length, &input)].to_vec();
            let to = to.index(input.len() + 1);
            drop(input.splice(to..to, piece));
        }
    }
    input
}
