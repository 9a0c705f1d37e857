//! Accounts, kept wrongly.

use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::event::{EventId, SecurityEvent};
use cloakroom_core::password::PasswordHash;
use cloakroom_core::session::Subject;
use cloakroom_core::store::{
    AccountAct, AccountStore, Administration, Changed, Created, EventQuery, PasswordChange, Precedence, StoreError,
    StoreFuture,
};
use cloakroom_core::throttle::{Admission, Claims, CounterKey, Step};
use cloakroom_core::time::Timestamp;

use crate::Fault;
use crate::faulty::{Faulty, others_first};

impl Faulty {
    async fn wrong_create(&self, account: Account, mut precedence: Precedence) -> Result<Created, StoreError> {
        match self.fault {
            Fault::FirstIsIgnored => precedence = Precedence::Any,
            Fault::FirstIsCheckedTooEarly if precedence == Precedence::First => {
                if self.inner.any().await? {
                    return Ok(Created::NotFirst);
                }
                others_first().await;
                precedence = Precedence::Any;
            }
            Fault::CreateOverwrites => {
                if let Some(old) = self.inner.by_login_name(account.login_name.clone()).await? {
                    let _changed = self.inner.remove(old.subject, account.created_at).await?;
                }
            }
            _ => (),
        }
        self.inner.create(account, precedence).await
    }

    async fn wrong_page(&self, after: Option<LoginName>, limit: u32) -> Result<Vec<Account>, StoreError> {
        if self.fault != Fault::PageIsInUtf16Order {
            return self.inner.page(after, limit).await;
        }
        let key = |name: &LoginName| name.as_str().encode_utf16().collect::<Vec<_>>();
        let mut accounts = self.inner.page(None, u32::MAX).await?;
        accounts.sort_by_key(|account| key(&account.login_name));
        let after = after.as_ref().map(key);
        accounts.retain(|account| after.as_ref().is_none_or(|after| key(&account.login_name) > *after));
        accounts.truncate(limit as usize);
        Ok(accounts)
    }

    async fn wrong_change_password(&self, mut change: PasswordChange) -> Result<Changed, StoreError> {
        match self.fault {
            Fault::PasswordChangeComparesNothing => change.expected = None,
            Fault::PasswordChangeComparesTooEarly => {
                let found = self.inner.by_subject(change.subject.clone()).await?;
                if change.expected.is_some() && found.map(|account| account.password_hash) != change.expected {
                    return Ok(Changed::Conflict);
                }
                others_first().await;
                change.expected = None;
            }
            Fault::PasswordChangeKeepsNobody => change.keep = None,
            Fault::PasswordChangeOvertakesNobody => self.notes().forgiven.push(change.subject.clone()),
            _ => (),
        }
        self.inner.change_password(change).await
    }

    async fn wrong_rehash(
        &self,
        subject: Subject,
        mut old: PasswordHash,
        new: PasswordHash,
    ) -> Result<bool, StoreError> {
        let Some(account) = self.inner.by_subject(subject.clone()).await? else { return Ok(false) };
        match self.fault {
            Fault::RehashComparesNothing => old = account.password_hash,
            Fault::RehashIsAPasswordChange => {
                let at = account.password_changed_at;
                let change = PasswordChange { subject, expected: Some(old), new, keep: None, at };
                return Ok(matches!(self.inner.change_password(change).await?, Changed::Done { .. }));
            }
            _ => (),
        }
        self.inner.rehash(subject, old, new).await
    }

    async fn wrong_disable(&self, subject: Subject, at: Timestamp) -> Result<Changed, StoreError> {
        match self.fault {
            Fault::DisablingAgainMovesTheTime => {
                let _changed = self.inner.enable(subject.clone()).await?;
            }
            Fault::DisablingOvertakesNobody => self.notes().forgiven.push(subject.clone()),
            _ => (),
        }
        self.inner.disable(subject, at).await
    }

    async fn wrong_enable(&self, subject: Subject) -> Result<Changed, StoreError> {
        if self.fault == Fault::EnablingRevives {
            self.revive_all(&subject).await;
        }
        self.inner.enable(subject).await
    }

    async fn wrong_remove(&self, subject: Subject, at: Timestamp) -> Result<Changed, StoreError> {
        let changed = self.inner.remove(subject.clone(), at).await?;
        match self.fault {
            Fault::RemovalLeavesSessions => self.revive_all(&subject).await,
            Fault::RemovalOvertakesNobody => self.notes().forgiven.push(subject),
            _ => (),
        }
        Ok(changed)
    }

    async fn wrong_administrate(&self, administration: Administration) -> Result<Changed, StoreError> {
        let is_careless = matches!(self.fault, Fault::AdministrationAsksNobody | Fault::AdministrationAsksTooEarly);
        if !is_careless {
            let changed = self.inner.administrate(administration.clone()).await?;
            if self.fault == Fault::AdministrationEndsNothing {
                self.revive_all(&administration.subject).await;
            }
            return Ok(changed);
        }
        let Administration { subject, by, act, at } = administration;
        if self.fault == Fault::AdministrationAsksTooEarly {
            let may = |account: Account| account.role == Role::Administrator && account.disabled_at.is_none();
            if by == subject || !self.inner.by_subject(by).await?.is_some_and(may) {
                return Ok(Changed::Conflict);
            }
            others_first().await;
        }
        match act {
            AccountAct::Disable => self.inner.disable(subject, at).await,
            AccountAct::Enable => self.inner.enable(subject).await,
            AccountAct::Remove => self.inner.remove(subject, at).await,
        }
    }
}

impl AccountStore for Faulty {
    fn create(&self, account: Account, precedence: Precedence) -> StoreFuture<'_, Created> {
        Box::pin(self.wrong_create(account, precedence))
    }

    fn by_login_name(&self, name: LoginName) -> StoreFuture<'_, Option<Account>> {
        self.inner.by_login_name(name)
    }

    fn by_subject(&self, subject: Subject) -> StoreFuture<'_, Option<Account>> {
        self.inner.by_subject(subject)
    }

    fn any(&self) -> StoreFuture<'_, bool> {
        self.inner.any()
    }

    fn page(&self, after: Option<LoginName>, limit: u32) -> StoreFuture<'_, Vec<Account>> {
        Box::pin(self.wrong_page(after, limit))
    }

    fn change_password(&self, change: PasswordChange) -> StoreFuture<'_, Changed> {
        Box::pin(self.wrong_change_password(change))
    }

    fn rehash(&self, subject: Subject, old: PasswordHash, new: PasswordHash) -> StoreFuture<'_, bool> {
        Box::pin(self.wrong_rehash(subject, old, new))
    }

    fn disable(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        Box::pin(self.wrong_disable(subject, at))
    }

    fn enable(&self, subject: Subject) -> StoreFuture<'_, Changed> {
        Box::pin(self.wrong_enable(subject))
    }

    fn remove(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        Box::pin(self.wrong_remove(subject, at))
    }

    fn administrate(&self, administration: Administration) -> StoreFuture<'_, Changed> {
        Box::pin(self.wrong_administrate(administration))
    }

    fn count(&self, claims: Claims, step: Step, at: Timestamp) -> StoreFuture<'_, Admission> {
        Box::pin(self.wrong_count(claims, step, at))
    }

    fn locked(&self, limit: u32) -> StoreFuture<'_, Vec<CounterKey>> {
        Box::pin(self.wrong_locked(limit))
    }

    fn forget_counter(&self, key: CounterKey) -> StoreFuture<'_, bool> {
        Box::pin(self.wrong_forget_counter(key))
    }

    fn purge_counters(&self, at: Timestamp, max: u32, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(self.wrong_purge_counters(at, max, chunk))
    }
    fn record(&self, events: Vec<SecurityEvent>) -> StoreFuture<'_, ()> {
        Box::pin(self.wrong_record(events))
    }

    fn events(&self, query: EventQuery) -> StoreFuture<'_, Vec<SecurityEvent>> {
        Box::pin(self.wrong_events(query))
    }

    fn purge_events(&self, before: EventId, max: u32, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(self.wrong_purge_events(before, max, chunk))
    }
}
