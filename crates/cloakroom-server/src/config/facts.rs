//! What the system says about files, for the audit.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::audit::Facts;

/// The real ones.
pub(crate) struct OfThisMachine;

impl Facts for OfThisMachine {
    fn mode(&self, path: &Path) -> Option<u32> {
        fs::metadata(path).ok().map(|about| about.permissions().mode() & 0o7777)
    }

    fn file_system(&self, path: &Path) -> Option<String> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        mounted(&mounts, &path.canonicalize().ok()?)
    }
}

/// The kind of the file system on which `path` is, by Linux' list of mounts (proc_pid_mountinfo(5)): the last of those that
/// are nearest to it.
fn mounted(mounts: &str, path: &Path) -> Option<String> {
    let places = mounts.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let place = PathBuf::from(before.split(' ').nth(4)?.replace(r"\040", " "));
        Some((place, after.split(' ').next()?.to_owned()))
    });
    let around = places.filter(|(place, _)| path.starts_with(place));
    around.max_by_key(|(place, _)| place.components().count()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts_and_of_two_the_later() {
        let mounts = "22 1 0:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:2 / /srv rw shared:1 - nfs4 host:/x rw\n\
                      24 23 0:3 / /srv/my\\040data rw - xfs /dev/sdb rw\n25 22 0:4 / /srv rw - nfs host:/y rw\n";
        for (path, kind) in [("/srvother/x", "ext4"), ("/srv/a", "nfs"), ("/srv/my data/b", "xfs"), ("/", "ext4")] {
            assert_eq!(mounted(mounts, Path::new(path)).as_deref(), Some(kind), "{path}");
        }
        assert_eq!(mounted("", Path::new("/")), None);
    }
}
