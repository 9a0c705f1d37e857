//! Accounts in memory, under the same lock as the sessions they end.

use std::ops::Bound;

use super::{MemoryStore, State, ready};
use crate::account::{Account, LoginName, Role};
use crate::ending::EndReason;
use crate::event::{EventId, SecurityEvent};
use crate::password::PasswordHash;
use crate::session::Subject;
use crate::store::{
    AccountAct, AccountStore, Administration, Changed, Created, EventQuery, PAGE_MAX, PasswordChange, Precedence,
    StoreFuture,
};
use crate::throttle::{Admission, Claims, CounterKey, Step};
use crate::time::Timestamp;

impl State {
    fn account(&self, subject: &Subject) -> Option<&Account> {
        self.accounts.values().find(|account| account.subject == *subject)
    }

    fn account_mut(&mut self, subject: &Subject) -> Option<&mut Account> {
        self.accounts.values_mut().find(|account| account.subject == *subject)
    }

    fn create_account(&mut self, account: Account, precedence: Precedence) -> Created {
        if precedence == Precedence::First && !self.accounts.is_empty() {
            return Created::NotFirst;
        }
        if self.accounts.contains_key(&account.login_name) || self.account(&account.subject).is_some() {
            return Created::Taken;
        }
        self.accounts.insert(account.login_name.clone(), account);
        Created::Created
    }

    fn change_password(&mut self, change: PasswordChange) -> Changed {
        let Some(account) = self.account_mut(&change.subject) else {
            return Changed::Missing;
        };
        if change.expected.is_some_and(|expected| expected != account.password_hash) {
            return Changed::Conflict;
        }
        account.password_hash = change.new;
        account.password_changed_at = change.at;
        let ended = self.end_subject(&change.subject, change.keep, EndReason::PasswordChanged, change.at);
        Changed::Done { ended }
    }

    fn disable_account(&mut self, subject: &Subject, at: Timestamp) -> Changed {
        let Some(account) = self.account_mut(subject) else {
            return Changed::Missing;
        };
        account.disabled_at.get_or_insert(at);
        Changed::Done { ended: self.end_subject(subject, None, EndReason::AccountDisabled, at) }
    }

    fn enable_account(&mut self, subject: &Subject) -> Changed {
        let found = self.account_mut(subject).map(|account| account.disabled_at = None);
        if found.is_some() { Changed::Done { ended: 0 } } else { Changed::Missing }
    }

    fn remove_account(&mut self, subject: &Subject, at: Timestamp) -> Changed {
        let name = self.account(subject).map(|account| account.login_name.clone());
        match name.and_then(|name| self.accounts.remove(&name)) {
            Some(_) => Changed::Done { ended: self.end_subject(subject, None, EndReason::AccountRemoved, at) },
            None => Changed::Missing,
        }
    }

    fn administrate(&mut self, administration: &Administration) -> Changed {
        let Administration { subject, by, act, at } = administration;
        let may = |account: &Account| account.role == Role::Administrator && account.disabled_at.is_none();
        if by == subject || !self.account(by).is_some_and(may) {
            return Changed::Conflict;
        }
        match act {
            AccountAct::Disable => self.disable_account(subject, *at),
            AccountAct::Enable => self.enable_account(subject),
            AccountAct::Remove => self.remove_account(subject, *at),
        }
    }
}

impl AccountStore for MemoryStore {
    fn create(&self, account: Account, precedence: Precedence) -> StoreFuture<'_, Created> {
        ready(Ok(self.state().create_account(account, precedence)))
    }

    fn by_login_name(&self, name: LoginName) -> StoreFuture<'_, Option<Account>> {
        ready(Ok(self.state().accounts.get(&name).cloned()))
    }

    fn by_subject(&self, subject: Subject) -> StoreFuture<'_, Option<Account>> {
        ready(Ok(self.state().account(&subject).cloned()))
    }

    fn any(&self) -> StoreFuture<'_, bool> {
        ready(Ok(!self.state().accounts.is_empty()))
    }

    fn page(&self, after: Option<LoginName>, limit: u32) -> StoreFuture<'_, Vec<Account>> {
        let state = self.state();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = state.accounts.range((start, Bound::Unbounded)).map(|(_, account)| account);
        ready(Ok(page.take(limit.min(PAGE_MAX) as usize).cloned().collect()))
    }

    fn change_password(&self, change: PasswordChange) -> StoreFuture<'_, Changed> {
        ready(Ok(self.state().change_password(change)))
    }

    fn rehash(&self, subject: Subject, old: PasswordHash, new: PasswordHash) -> StoreFuture<'_, bool> {
        let mut state = self.state();
        let found = state.account_mut(&subject).filter(|account| account.password_hash == old);
        let is_done = found.map(|account| account.password_hash = new).is_some();
        ready(Ok(is_done))
    }

    fn disable(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        ready(Ok(self.state().disable_account(&subject, at)))
    }

    fn enable(&self, subject: Subject) -> StoreFuture<'_, Changed> {
        ready(Ok(self.state().enable_account(&subject)))
    }

    fn remove(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        ready(Ok(self.state().remove_account(&subject, at)))
    }

    fn administrate(&self, administration: Administration) -> StoreFuture<'_, Changed> {
        ready(Ok(self.state().administrate(&administration)))
    }

    fn count(&self, claims: Claims, step: Step, at: Timestamp) -> StoreFuture<'_, Admission> {
        ready(Ok(self.state().count(&claims, step, at)))
    }

    fn locked(&self, limit: u32) -> StoreFuture<'_, Vec<CounterKey>> {
        ready(Ok(self.state().locked(limit)))
    }

    fn forget_counter(&self, key: CounterKey) -> StoreFuture<'_, bool> {
        ready(Ok(self.state().counters.remove(&key).is_some()))
    }

    fn purge_counters(&self, at: Timestamp, max: u32, chunk: u32) -> StoreFuture<'_, u64> {
        ready(Ok(self.state().purge_counters(at, max, chunk)))
    }
    fn record(&self, events: Vec<SecurityEvent>) -> StoreFuture<'_, ()> {
        self.state().record(events);
        ready(Ok(()))
    }

    fn events(&self, query: EventQuery) -> StoreFuture<'_, Vec<SecurityEvent>> {
        ready(Ok(self.state().events(&query)))
    }

    fn purge_events(&self, before: EventId, max: u32, chunk: u32) -> StoreFuture<'_, u64> {
        ready(Ok(self.state().purge_events(before, max, chunk)))
    }
}
