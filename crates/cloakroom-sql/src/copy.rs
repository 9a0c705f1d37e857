//! Copying everything from one database into another, whichever two they are: `cloakroom migrate copy`.
//!
//! The source cannot be written while it is copied, so that no ending is missed. The target remembers that its copy is not
//! finished, and nobody serves it until it is: until then any row in it may be taken back, from then on none is (G3).

mod error;
mod pairs;
mod row;

pub use error::CopyError;
use pairs::{Pair, Pairs, Where};
pub(crate) use row::{CHUNK, Claimed, End, Entry, EntryKind, Kept, Plan, Rows, SessionRow, subject_or_everyone};

use cloakroom_core::account::Account;
use cloakroom_core::service_token::ServiceTokenRecord;
use cloakroom_core::session::Subject;
use cloakroom_core::store::{StoreError, StoreErrorKind};

use crate::migrate::Scope;
use crate::open::Database;

/// What a copy is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// After an interrupted copy: taking out of the target what the source has no more, or has otherwise.
    Correcting,
    /// Writing what the target lacks.
    Copying,
    /// Reading both again and comparing them, row by row.
    Verifying,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// With which table.
    pub table: &'static str,
    /// How many rows of it are done.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// What became of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub table: &'static str,
    /// Rows at the source: each was read back from the target and found to be the same, and there are no others.
    pub rows: u64,
    /// How many of them were written by this run; the others were there from one before.
    pub written: u64,
    /// How many rows from a run before were taken out again.
    pub removed: u64,
}

/// A finished copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// What to call the source: its URL as it may be shown.
    pub source: String,
    /// What to call the target.
    pub target: String,
    /// Whether it went on with a copy that had been interrupted.
    pub is_resumed: bool,
    /// Every table, in the order of their names.
    pub tables: Vec<CopiedTable>,
}

impl Database {
    /// Copies every session, subject, account, service token and feed entry into `target`, and verifies them there.
    ///
    /// The target must be empty, or hold an unfinished copy of this database; its tables are made. Interrupted in any
    /// way, the copy is finished by calling it again. While it runs this database can be read, but not written: logins and
    /// logouts there are `Busy`. A login that began before the copy was finished cannot be finished in the target (G4).
    ///
    /// # Errors
    /// When the target is in use, either database cannot be used, a stored value is corrupt, or the two differ in the end.
    pub async fn copy_to(
        &self,
        target: &Self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Copied, CopyError> {
        self.require_migrated(Scope::Sessions).await?;
        let mut source = self.backend().end_of_copy().await?;
        let scope = source.scope().await?;
        self.require_migrated(scope).await?;
        let mut target = target.backend().end_of_copy().await?;
        if source.identity().await? == target.identity().await? {
            return Err(CopyError::same(source.name()));
        }
        if let Err(error) = source.freeze(scope).await {
            return Err(CopyError::not_frozen(source.name(), error));
        }
        let last_position = source.last_position().await;
        let last_position = last_position.map_err(|error| CopyError::at(Where::Source, source.name(), error))?;
        let plan =
            Plan { source: source.identity().await?, source_name: source.name().to_owned(), scope, last_position };
        let is_resumed = match target.claim(&plan).await? {
            Claimed::New => false,
            Claimed::Resumed => true,
            Claimed::InUse => return Err(CopyError::in_use(target.name())),
            Claimed::OfAnother(other) => return Err(CopyError::of_another(target.name(), &other)),
        };
        let mut copy = Copy { source, target, progress, tallies: Tallies::default() };
        copy.run(&plan, is_resumed).await?;
        let Copy { source, target, mut tallies, .. } = copy;
        let names = (source.name().to_owned(), target.name().to_owned());
        source.close().await;
        target.close().await;
        Ok(Copied { source: names.0, target: names.1, is_resumed, tables: tallies.in_scope(scope) })
    }
}

/// A copy under way.
struct Copy<'p> {
    source: Box<dyn End>,
    target: Box<dyn End>,
    progress: &'p mut (dyn FnMut(Progress) + Send),
    tallies: Tallies,
}

impl Copy<'_> {
    async fn run(&mut self, plan: &Plan, is_resumed: bool) -> Result<(), CopyError> {
        let has_accounts = plan.scope == Scope::Everything;
        if is_resumed {
            // All of it before anything is written: a replaced token or a name that changed hands stands in two rows, of
            // which the old one has to go first. Sessions before their subjects.
            self.correct::<SessionRow>().await?;
            self.correct::<Subject>().await?;
            if has_accounts {
                self.correct::<Account>().await?;
                self.correct::<ServiceTokenRecord>().await?;
            }
        }
        self.fill::<Subject>().await?;
        self.fill::<SessionRow>().await?;
        if has_accounts {
            self.fill::<Account>().await?;
            self.fill::<ServiceTokenRecord>().await?;
        }
        if is_resumed {
            // Last, because what was corrected above has gone through the triggers as endings, which it was not.
            self.correct::<Entry>().await?;
        }
        self.fill::<Entry>().await?;

        let sealed = self.target.seal(plan.scope).await;
        sealed.map_err(|error| self.error(Where::Target, error))?;
        self.verify::<SessionRow>().await?;
        self.verify::<Subject>().await?;
        if has_accounts {
            self.verify::<Account>().await?;
            self.verify::<ServiceTokenRecord>().await?;
        }
        self.verify::<Entry>().await?;
        let finished = self.target.finish(plan).await;
        finished.map_err(|error| self.error(Where::Target, error))
    }

    /// Takes out of the target what the source does not have, or not like that.
    async fn correct<T: Kept>(&mut self) -> Result<(), CopyError>
    where
        dyn End: Rows<T>,
    {
        let total = self.count::<T>(Where::Target).await?;
        let (mut pairs, mut doomed, mut done) = (Pairs::<T>::new(), Vec::new(), 0);
        self.tell::<T>(Stage::Correcting, 0, total);
        while !pairs.is_target_over() {
            let pair = pairs.next(&mut *self.source, &mut *self.target).await;
            match pair.map_err(|(end, error)| self.error(end, error))? {
                Some(Pair::Both(here, there)) if here == there => {}
                Some(Pair::Both(_, there) | Pair::Target(there)) => doomed.push(there.key()),
                Some(Pair::Source(_)) => continue,
                None => break,
            }
            done += 1;
            if doomed.len() == CHUNK {
                self.delete::<T>(&mut doomed).await?;
            }
            self.tell_sometimes::<T>(Stage::Correcting, done, total);
        }
        self.delete::<T>(&mut doomed).await?;
        self.tell::<T>(Stage::Correcting, total, total);
        Ok(())
    }

    async fn delete<T: Kept>(&mut self, doomed: &mut Vec<T::Key>) -> Result<(), CopyError>
    where
        dyn End: Rows<T>,
    {
        if !doomed.is_empty() {
            let deleted = Rows::<T>::delete(&mut *self.target, doomed).await;
            deleted.map_err(|error| self.error(Where::Target, error))?;
            self.tallies.of::<T>().removed += doomed.len() as u64;
            doomed.clear();
        }
        Ok(())
    }

    /// Writes what the target lacks.
    async fn fill<T: Kept>(&mut self) -> Result<(), CopyError>
    where
        dyn End: Rows<T>,
    {
        let total = self.count::<T>(Where::Source).await?;
        let (mut pairs, mut missing, mut done) = (Pairs::<T>::new(), Vec::new(), 0);
        self.tell::<T>(Stage::Copying, 0, total);
        loop {
            let pair = pairs.next(&mut *self.source, &mut *self.target).await;
            match pair.map_err(|(end, error)| self.error(end, error))? {
                Some(Pair::Source(row)) => missing.push(row),
                Some(Pair::Both(..)) => {}
                Some(Pair::Target(_)) => continue, // somebody else's: the comparison at the end finds it
                None => break,
            }
            done += 1;
            if missing.len() == CHUNK {
                self.insert(&mut missing).await?;
            }
            self.tell_sometimes::<T>(Stage::Copying, done, total);
        }
        self.insert(&mut missing).await?;
        if done != total {
            // A row that does not come after the first key, such as one of the empty subject, would be left behind.
            let unfit = StoreErrorKind::Corrupt { table: T::TABLE, column: T::KEY };
            return Err(self.error(Where::Source, StoreError::new(unfit)));
        }
        self.tell::<T>(Stage::Copying, total, total);
        Ok(())
    }

    async fn insert<T: Kept>(&mut self, missing: &mut Vec<T>) -> Result<(), CopyError>
    where
        dyn End: Rows<T>,
    {
        if !missing.is_empty() {
            let inserted = self.target.insert(missing).await;
            inserted.map_err(|error| {
                // A value that the target cannot hold is the source's.
                self.error(if error.is_corrupt() { Where::Source } else { Where::Target }, error)
            })?;
            self.tallies.of::<T>().written += missing.len() as u64;
            missing.clear();
        }
        Ok(())
    }

    /// Compares both, row by row and by their number, so that a row which is in no order is not overlooked.
    async fn verify<T: Kept>(&mut self) -> Result<(), CopyError>
    where
        dyn End: Rows<T>,
    {
        let total = self.count::<T>(Where::Source).await?;
        let (mut pairs, mut done) = (Pairs::<T>::new(), 0);
        self.tell::<T>(Stage::Verifying, 0, total);
        loop {
            let pair = pairs.next(&mut *self.source, &mut *self.target).await;
            match pair.map_err(|(end, error)| self.error(end, error))? {
                Some(Pair::Both(here, there)) if here == there => done += 1,
                Some(_) => return Err(self.differs::<T>()),
                None => break,
            }
            self.tell_sometimes::<T>(Stage::Verifying, done, total);
        }
        if done != total || self.count::<T>(Where::Target).await? != done {
            return Err(self.differs::<T>());
        }
        self.tell::<T>(Stage::Verifying, done, total);
        self.tallies.of::<T>().rows = done;
        Ok(())
    }

    async fn count<T: Kept>(&mut self, end: Where) -> Result<u64, CopyError>
    where
        dyn End: Rows<T>,
    {
        let counted = match end {
            Where::Source => Rows::<T>::count(&mut *self.source).await,
            Where::Target => Rows::<T>::count(&mut *self.target).await,
        };
        counted.map_err(|error| self.error(end, error))
    }

    fn tell_sometimes<T: Kept>(&mut self, stage: Stage, done: u64, total: u64) {
        if done.is_multiple_of(CHUNK as u64) {
            self.tell::<T>(stage, done, total);
        }
    }

    fn tell<T: Kept>(&mut self, stage: Stage, done: u64, total: u64) {
        (self.progress)(Progress { stage, table: T::TABLE, done, total });
    }

    fn error(&self, end: Where, error: StoreError) -> CopyError {
        let name = match end {
            Where::Source => self.source.name(),
            Where::Target => self.target.name(),
        };
        CopyError::at(end, name, error)
    }

    fn differs<T: Kept>(&self) -> CopyError {
        CopyError::differs(self.source.name(), self.target.name(), T::TABLE)
    }
}

/// What was done with each table.
#[derive(Default)]
struct Tallies(Vec<CopiedTable>);

impl Tallies {
    fn of<T: Kept>(&mut self) -> &mut CopiedTable {
        let at = self.0.iter().position(|tally| tally.table == T::TABLE).unwrap_or_else(|| {
            self.0.push(CopiedTable { table: T::TABLE, rows: 0, written: 0, removed: 0 });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    fn in_scope(&mut self, scope: Scope) -> Vec<CopiedTable> {
        let mut tables = vec![*self.of::<SessionRow>(), *self.of::<Subject>(), *self.of::<Entry>()];
        if scope == Scope::Everything {
            tables.extend([*self.of::<Account>(), *self.of::<ServiceTokenRecord>()]);
        }
        tables.sort_unstable_by_key(|tally| tally.table);
        tables
    }
}
