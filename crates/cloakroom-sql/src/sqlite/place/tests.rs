//! A real file that is moved, replaced and removed in every way, and a place that has to say what looking would say.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A directory `data` with a file `some.db`, in one of its own.
struct World {
    dir: TempDir,
    place: Place,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        fs::write(dir.path().join("data/some.db"), "first").unwrap();
        let place = Place::new(dir.path().canonicalize().unwrap().join("data/some.db"));
        let world = Self { dir, place };
        world.is_right();
        assert!(world.is_watched(), "this file system is to be known as a local one");
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn is_watched(&self) -> bool {
        self.place.seen.read().unwrap().as_ref().is_some_and(|seen| seen.watch.is_silent())
    }

    /// Says what looking would say, more than once.
    fn is_right(&self) {
        for _ in 0..3 {
            assert_eq!(self.place.file(1), FileIdentity::of(&self.place.path));
        }
    }
}

fn replace(with: &Path, path: &Path) {
    fs::write(with, "another").unwrap();
    fs::rename(with, path).unwrap();
}

#[test]
fn whatever_moves_is_noticed_by_the_next_who_asks() {
    type Move = fn(&World);
    let moves: [(&str, Move); 8] = [
        ("replaced", |world| replace(&world.at("new"), &world.at("data/some.db"))),
        ("replaced from beside it", |world| replace(&world.at("data/new"), &world.at("data/some.db"))),
        ("removed", |world| fs::remove_file(world.at("data/some.db")).unwrap()),
        ("removed and made anew", |world| {
            let held = fs::File::open(world.at("data/some.db")).unwrap(); // so that its inode is not given away again
            fs::remove_file(world.at("data/some.db")).unwrap();
            fs::write(world.at("data/some.db"), "another").unwrap();
            drop(held);
        }),
        ("moved away", |world| fs::rename(world.at("data/some.db"), world.at("elsewhere")).unwrap()),
        ("a link in its place", |world| {
            fs::write(world.at("another"), "another").unwrap();
            symlink(world.at("another"), world.at("link")).unwrap();
            fs::rename(world.at("link"), world.at("data/some.db")).unwrap();
        }),
        ("its directory moved", |world| fs::rename(world.at("data"), world.at("old")).unwrap()),
        ("another directory in the place of its own", |world| {
            fs::create_dir(world.at("new")).unwrap();
            fs::write(world.at("new/some.db"), "another").unwrap();
            fs::rename(world.at("data"), world.at("old")).unwrap();
            fs::rename(world.at("new"), world.at("data")).unwrap();
        }),
    ];
    for (what, change) in moves {
        let world = World::new();
        let before = world.place.file(1);
        change(&world);
        assert_ne!(world.place.file(1), before, "{what}");
        world.is_right();
    }
}

#[test]
fn a_directory_further_up_that_is_moved_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    for (parents, text) in [("a/b/c", "first"), ("x/b/c", "another")] {
        fs::create_dir_all(top.join(parents)).unwrap();
        fs::write(top.join(parents).join("some.db"), text).unwrap();
    }
    let place = Place::new(top.join("a/b/c/some.db"));
    let before = place.file(1);
    assert_eq!(place.file(1), before);
    fs::rename(top.join("a"), top.join("old")).unwrap();
    fs::rename(top.join("x"), top.join("a")).unwrap();
    assert_ne!(place.file(1), before);
    assert_eq!(place.file(1), FileIdentity::of(&place.path));
}

#[test]
fn what_is_written_is_no_move_and_what_moves_is_watched_again_in_time() {
    let world = World::new();
    fs::write(world.at("data/some.db"), "changed").unwrap();
    fs::write(world.at("data/some.db-wal"), "beside it").unwrap();
    fs::write(world.at("data/another"), "beside it").unwrap();
    assert!(world.is_watched());
    fs::remove_file(world.at("data/another")).unwrap();
    assert!(!world.is_watched());
    for _ in 0..=PATIENCE {
        world.is_right();
    }
    assert!(world.is_watched());
}

#[test]
fn where_silence_would_say_nothing_the_path_is_looked_up() {
    let world = World::new();
    symlink(world.at("data"), world.at("link")).unwrap();
    let linked = world.at("link/some.db");
    let up = world.at("data/../data/some.db");
    for path in [linked.clone(), up] {
        let place = Place::new(path);
        assert_eq!(place.file(1), world.place.file(1));
        assert!(place.seen.read().unwrap().is_none(), "{place:?}");
    }
    let place = Place::new(linked);
    assert!(place.file(1).is_some());
    fs::remove_file(world.at("link")).unwrap();
    assert_eq!(place.file(1), None);
    assert!(Watch::over(Path::new("/proc/version")).is_none(), "of another kind of file system");
    assert!(Watch::over(Path::new("/")).is_none());
    assert_eq!(Place::new(world.at("nowhere/some.db")).file(1), None);
}

#[test]
fn what_the_watch_cannot_see_is_seen_in_time_and_by_everybody_then() {
    let world = World::new();
    // As if something had been mounted over the path: another file is there, and no event told of it.
    let (other, there) = (FileIdentity::of(&world.at("data")), world.place.file(1));
    world.place.seen.write().unwrap().as_mut().unwrap().identity = other.unwrap();
    assert_eq!(world.place.file(PATIENCE - 1), other);
    assert_eq!(world.place.file(PATIENCE), there);
    world.is_right();
}
