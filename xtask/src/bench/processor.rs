//! Which processors measure and which are measured: the load has its own, so that what it costs slows nobody's answers.

use crate::run::{command, output};

/// The processors there are, divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Processors {
    /// For the server and its database.
    measured: String,
    /// For the load; `None` where there is only one processor for everything.
    load: Option<String>,
}

impl Processors {
    /// Half of them for the load, the larger half for what it drives.
    pub(super) fn divided(all: usize) -> Self {
        let load = all / 2;
        let list = |from: usize, to: usize| if from == to { from.to_string() } else { format!("{from}-{to}") };
        let measured = list(0, all.saturating_sub(load).max(1) - 1);
        Self { measured, load: (load > 0).then(|| list(all - load, all - 1)) }
    }

    /// Keeps a process, its threads and all it starts from now on to the processors that are measured.
    pub(super) fn keep(&self, process: u32) -> Result<(), String> {
        if self.load.is_none() {
            return Ok(());
        }
        let process = process.to_string();
        output(&mut command("taskset", ["--all-tasks", "--cpu-list", "--pid", &self.measured, &process])).map(drop)
    }

    /// Keeps a process that makes load to the processors for that.
    pub(super) fn keep_load(&self, process: u32) -> Result<(), String> {
        let Some(load) = &self.load else { return Ok(()) };
        let process = process.to_string();
        output(&mut command("taskset", ["--all-tasks", "--cpu-list", "--pid", load, &process])).map(drop)
    }

    /// What a command that is measured begins with, when it has to find only its processors from the start.
    pub(super) fn measured(&self) -> Vec<&str> {
        if self.load.is_some() { vec!["taskset", "--cpu-list", &self.measured] } else { Vec::new() }
    }

    /// What a command that makes load begins with.
    pub(super) fn load(&self) -> Vec<&str> {
        self.load.as_deref().map_or_else(Vec::new, |list| vec!["taskset", "--cpu-list", list])
    }

    /// In words.
    pub(super) fn shown(&self) -> String {
        match &self.load {
            Some(load) => format!("server and database on processor {}, load on {load}", self.measured),
            None => "server, database and load on one processor".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_one_that_cannot_be_divided() {
        let of = |measured: &str, load: Option<&str>| Processors {
            measured: measured.to_owned(),
            load: load.map(str::to_owned),
        };
        assert_eq!(Processors::divided(1), of("0", None));
        assert_eq!(Processors::divided(2), of("0", Some("1")));
        assert_eq!(Processors::divided(3), of("0-1", Some("2")));
        assert_eq!(Processors::divided(4), of("0-1", Some("2-3")));
    }
}
