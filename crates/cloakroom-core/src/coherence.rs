//! Leased validation: when an instance may answer from memory, and why no answer is older than the lease.
//!
//! A state machine without I/O. [`Replica`] is one instance's copy of what is usable; the front door drives it with a clock
//! and a store, the [`simulator`] with a model of both. Nothing here reads a clock, waits or asks a database.
//!
//! # The protocol
//!
//! - **Poll.** The instance notes the time T0 on a [steady](crate::time::Steady) clock, then asks the database, in one
//!   statement and so in one snapshot, for every change of the feed that its last snapshot did not see
//!   ([`Horizon`]), and for the snapshot itself. When the reply is there, it counts a new *generation*, drops
//!   every entry the reply names, moves its horizon to the reply's snapshot, and may answer from memory until
//!   T0 + L: the lease. In this order.
//! - **Hit.** A request reads the lease's end, then the entry, then the clock. It is served from memory if there is an
//!   entry, the clock is before that end, and the [verdict](crate::verdict) on the entry is "usable".
//! - **Load.** Anything else asks the database. The instance notes T0 and the generation, then asks. Whoever waits for
//!   the reply is served by it only before T0 + L. The record is kept only if the generation is still the noted one, there
//!   is a horizon, and the record is usable: only "yes" is kept.
//! - **Empty.** Everything is dropped, and a generation counted, where the reply does not continue what was seen: at the
//!   first poll; another server, timeline, database or table ([`Continuity`]); a snapshot that went backwards; a feed that was
//!   purged past the horizon; more changes than one reply carries ([`Delta::Lost`]). A lapsed lease or a new connection
//!   to the same server empties nothing: the delta is exact, however late it comes.
//! - **Own endings** are dropped at once, counted as a generation, before the caller is told; and nobody joins a load any more
//!   that began before. Where an instance cannot name what it ended, it waits for a poll that began after the commit, or until
//!   nothing is answered from memory and no poll from before is under way, whose late reply would renew the lease.
//! - **Everywhere.** Who ended something and wants to know that no instance serves it any more waits
//!   [`LeaseTerms::everywhere`] after the commit.
//!
//! # The claim
//!
//! Let a change that takes a session's "yes" away (its end, a new owner, a shorter life, another token) be committed at c. Then
//! no instance serves that session by its old token, from memory or from a load, at a time later than c + L.
//!
//! # The proof
//!
//! Times are points on the time line of the instance that serves (steps 1 to 5), so clocks of other machines do not
//! matter; "served" is when the clock is read that lets the request pass.
//!
//! 1. *A load is safe.* A request is served by a load's reply only before T0 + L, and the statement runs after T0. If it did
//!    not see the change, it ran before c was visible, so T0 < c, and the request is served before c + L.
//! 2. *Deltas are exact.* Call a poll *older* than the change if its snapshot does not see it. Snapshots of one continuous
//!    history see more and more (a snapshot that went backwards empties). So there is a first poll, among those
//!    applied, that is not older than the change, and its delta names the change: the poll before did not
//!    see the change's transaction, which was therefore not below its xmax or in progress (in its xip), and those are
//!    exactly the transactions a delta asks for. On SQLite one writer commits in the order of positions, and positions
//!    are given out once, so "seen" is "not above the last position". Either the delta names the change, or the reply says
//!    that it cannot (purged, too many), and everything is dropped.
//! 3. *What is kept after that poll is new.* Let p be that poll. Applying it counts a generation and drops the entry (or all).
//!    Keeping a load and applying a poll exclude each other, so an entry that answers "yes" afterwards was kept
//!    after p was applied. Its load noted its generation after p was applied, or it would have found another one; so its
//!    statement ran after p's, whose snapshot saw the change, and the record it found is the changed one. (If the
//!    database lost the change meanwhile, by a failover to an older state, its continuity differs or its snapshot went
//!    backwards; the next poll empties, and until then this is the loss of a committed transaction, which no
//!    instance can know of: see the assumptions.)
//! 4. *A hit is safe.* A hit at time t uses a lease's end that was read before its entry. The poll q that granted it was
//!    applied before that. If q, or a poll before it, is not older than the change, then by step 3 the entry is the changed
//!    one, or gone. Otherwise q's snapshot did not see the change; the snapshot was taken after q's T0, so T0 < c, and
//!    t < T0 + L < c + L.
//! 5. *Stopping does no harm.* A process may be stopped between any two steps, for any time. The clock is read last, so a
//!    process that was stopped before reads a time after it woke, and the comparison fails if the lease is over. The clock counts
//!    the time the machine was suspended. A reply that arrives late grants a lease from its T0, which may be over
//!    already.
//! 6. *Everywhere.* By step 4 every lease that can still say "yes" ends at most L after c, measured on the clock of the instance
//!    that holds it. The waiting instance starts to count when the commit's reply is there, after c, and waits L and a
//!    margin for clocks that run at different speeds.
//!
//! Idle and absolute timeouts need none of this: every hit passes the same verdict as a record just read. An entry's last use
//! can only be older than the row's, so it says "no" too early at worst, and "no" from memory means: ask the database.
//!
//! # What is assumed
//!
//! 1. The steady clock never goes backwards, counts suspended time, and runs at most 1 % faster or slower than that of an instance
//!    that waits for everywhere.
//! 2. A commit is visible to every snapshot taken after its reply (PostgreSQL; SQLite with one file system). Polls and
//!    loads go to the server that is written, never to a standby: every connection is refused that leads to one.
//! 3. No pooler or proxy leads different connections of one instance to different servers at the same time. A failover that
//!    promotes a standby has a new timeline; a restored server another system identifier, tables or timeline.
//! 4. Every change of a session writes the feed in its own transaction. Triggers do, so this holds for statements typed by
//!    hand; who disables the triggers, or replicates rows with `session_replication_role = replica`, steps outside.
//! 5. Endings are durable: a commit that was acknowledged survives a crash (`synchronous_commit` at least `on`); and a failover that
//!    loses acknowledged commits loses endings too, in strict validation as well.
//! 6. Every instance that serves from memory has a lease no longer than that of the instance that waits for everywhere.

pub mod simulator;

mod cache;
mod feed;
mod held;
mod replica;
mod terms;

pub use feed::{Change, Continuity, Delta, FeedReply, Horizon, Loss, NotASnapshot, Snapshot};
pub use held::Held;
pub use replica::{Applied, Emptied, Load, Poll, Replica, ReplicaCounts};
pub use terms::LeaseTerms;
