//! `stop.*`: how the server stops.

use std::time::Duration;

use super::{Key, key};

pub(crate) static DELAY: Key<Duration> = Key {
    in_range: |span| *span <= Duration::from_mins(1),
    ..key(
        "stop.delay",
        || Duration::from_secs(1),
        "Told to stop, the server goes on serving for so long and says that it is not ready. Told again, it does not wait.",
    )
};

pub(crate) static DEADLINE: Key<Duration> = Key {
    in_range: |span| (Duration::from_secs(1)..=Duration::from_mins(10)).contains(span),
    ..key("stop.deadline", || Duration::from_secs(20), "How long requests in flight may still take after that.")
};
