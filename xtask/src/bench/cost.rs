//! Processor time of processes, as `/proc` accounts for it.

use std::path::Path;
use std::time::Duration;

use crate::run::{command, output};

/// How often a family is counted anew because one of it ended meanwhile.
const TRIES: u32 = 1000;

/// Processor time of one process and of the children it has waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    parent: u32,
    own: u64,
    waited_for: u64,
}

/// What the kernel counts processor time in, per second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(u64);

impl Clock {
    pub(super) fn read() -> Result<Self, String> {
        let text = output(&mut command("getconf", ["CLK_TCK"]))?;
        text.trim().parse().ok().filter(|ticks| *ticks > 0).map(Self).ok_or(format!("`{text}` ticks a second"))
    }

    fn duration(self, ticks: u64) -> Duration {
        Duration::from_millis(ticks * 1000 / self.0)
    }

    /// What this process has used, on all its threads.
    pub(super) fn of_process(self, pid: u32) -> Result<Duration, String> {
        Ok(self.duration(stat(Path::new(&format!("/proc/{pid}")))?.own))
    }

    /// What anybody has used on all processors.
    pub(super) fn of_everybody(self) -> Result<Duration, String> {
        let text = std::fs::read_to_string("/proc/stat").map_err(|error| format!("/proc/stat: {error}"))?;
        Ok(self.duration(busy(&text).ok_or("/proc/stat has another form than expected")?))
    }

    /// What the children have used that this process has waited for.
    pub(super) fn of_waited_for(self, pid: u32) -> Result<Duration, String> {
        Ok(self.duration(stat(Path::new(&format!("/proc/{pid}")))?.waited_for))
    }

    /// What this process, its living children and those that have ended have used.
    pub(super) fn of_family(self, pid: u32) -> Result<Duration, String> {
        for _ in 0..TRIES {
            let head = stat(Path::new(&format!("/proc/{pid}")))?;
            let processes = std::fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?;
            let children = processes.flatten().filter_map(|process| stat(&process.path()).ok());
            let of_children: u64 = children.filter(|child| child.parent == pid).map(|child| child.own).sum();
            // Whoever was waited for meanwhile stands in neither sum. At the end of a turn many end at once: requests
            // that are broken off take their pool's connections with them.
            if stat(Path::new(&format!("/proc/{pid}")))?.waited_for == head.waited_for {
                return Ok(self.duration(head.own + head.waited_for + of_children));
            }
        }
        Err(format!("the children of process {pid} end faster than they can be counted"))
    }
}

fn stat(process: &Path) -> Result<Ticks, String> {
    let path = process.join("stat");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    read(&text).ok_or_else(|| format!("{} has another form than expected", path.display()))
}

/// Reads `PID (NAME) STATE PARENT …` (proc(5)): user and system time are its fields 14 and 15, those of children 16 and
/// 17. The name may hold anything, brackets too.
fn read(stat: &str) -> Option<Ticks> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let parent = u32::try_from(field(4)?).ok()?;
    Some(Ticks { parent, own: field(14)? + field(15)?, waited_for: field(16)? + field(17)? })
}

/// Reads `cpu USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL …` (proc(5)): all but idling and waiting.
fn busy(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    [0, 1, 2, 5, 6, 7].into_iter().map(|field| ticks.get(field)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_busy_is_all_but_idle_and_waiting() {
        assert_eq!(busy("cpu  1 2 4 1000 1000 8 16 32 5 5\ncpu0 9 9 9 9 9 9 9 9 9 9\n"), Some(63));
        assert_eq!(busy("cpu  1 2 4"), None);
    }

    #[test]
    fn fields_are_counted_after_the_name() {
        let line = "4242 (a (b) c) S 41 4242 4242 0 -1 4194560 1 2 3 4 500 60 7 8 20 0 9 0 100 200 300";
        assert_eq!(read(line), Some(Ticks { parent: 41, own: 560, waited_for: 15 }));
        assert_eq!(read("4242 (a) S 41"), None);
    }

    #[test]
    fn ticks_are_time() {
        assert_eq!(Clock(100).duration(7), Duration::from_millis(70));
    }

    #[test]
    fn this_process_has_used_some() {
        let clock = Clock::read().unwrap();
        let own = clock.of_process(std::process::id()).unwrap();
        assert!(clock.of_family(std::process::id()).unwrap() >= own);
    }
}
