//! A watch over everything a path leads through: while it is silent, the path leads to the same file. Asking it is a system call
//! that looks nothing up, a quarter of one that does.
//!
//! The kernel queues an event before the call that moves, replaces or removes something returns (inotify(7)), so whoever asks after
//! that call has returned finds it. Nothing is ever read from the queue: a watch that has said something is done with.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::ioctl_fionread;

/// File systems that only this kernel changes, by the number statfs(2) gives: on others a move made elsewhere queues nothing here. Not
/// overlayfs, whose layers can be changed past it.
const LOCAL: [u64; 8] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683E, // Btrfs
    0x0102_1994, // tmpfs
    0x2FC1_2FC1, // ZFS
    0xF2F5_2010, // F2FS
    0xCA45_1A4E, // bcachefs
    0x8584_58F6, // ramfs
];

/// Events of one path.
#[derive(Debug)]
pub(crate) struct Watch(OwnedFd);

impl Watch {
    /// From now on. `None` where silence would say nothing: on a path with links or `..` in it, on other file systems, or where the
    /// system gives no watch.
    pub(crate) fn over(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let directory = path.parent()?;
        let kind = u64::try_from(rustix::fs::statfs(directory).ok()?.f_type).ok()?;
        if !LOCAL.contains(&kind) {
            return None;
        }
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        let itself = WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF | WatchFlags::DONT_FOLLOW | WatchFlags::ONLYDIR;
        let names = WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO | WatchFlags::DELETE;
        inotify::add_watch(&events, directory, itself | names).ok()?;
        for above in directory.ancestors().skip(1) {
            inotify::add_watch(&events, above, itself).ok()?;
        }
        // Only now: a link that was put there before would have been followed, one that comes later is an event.
        (path.canonicalize().ok()? == path).then_some(Self(events))
    }

    /// Whether nothing has happened since.
    pub(crate) fn is_silent(&self) -> bool {
        ioctl_fionread(&self.0).is_ok_and(|bytes| bytes == 0)
    }
}
