//! Filters in random schedules.

use super::{Schedule, answer};
use crate::ending::EndReason;
use crate::session::{ClientFacts, SessionId, SessionRecord};
use crate::store::contract::trial::{Kept, at, auth_method, same};
use crate::store::{ListQuery, SessionFilter};

/// Few enough that filters often meet them.
const AGENTS: [&str; 3] = ["Mozilla/5.0 Firefox/128", "FIREFOX", "curl"];
const ADDRESSES: [&str; 4] = ["203.0.113.7", "203.0.113.8", "2001:db8::7", "::ffff:203.0.113.9"];
const NETWORKS: [&str; 4] = ["203.0.113.0/24", "203.0.113.8/29", "2001:db8::/32", "::/0"];
const METHODS: [&str; 2] = ["password", "passkey"];

impl Schedule<'_> {
    /// Gives a session a browser, an address and a method; each of the first two may be missing.
    pub(super) fn clothe(&self, record: &mut SessionRecord) {
        let agent = self.chance(80).then(|| AGENTS[self.store.below(3)]);
        let ip = self.chance(80).then(|| ADDRESSES[self.store.below(4)]).and_then(|ip| ip.parse().ok());
        record.client = ClientFacts::new(agent, ip);
        record.auth_method = auth_method(METHODS[self.store.below(2)]);
    }

    fn filter(&self) -> SessionFilter {
        let piece = || ["firefox", "cURL", "/"][self.store.below(3)].parse().ok();
        SessionFilter {
            subject: self.chance(40).then(|| self.subject()),
            network: self.chance(30).then(|| NETWORKS[self.store.below(4)]).and_then(|network| network.parse().ok()),
            created_before: self.chance(30).then(|| at(self.now - self.span(20))),
            auth_method: self.chance(30).then(|| auth_method(METHODS[self.store.below(2)])),
            browser: if self.chance(30) { piece() } else { None },
        }
    }

    /// A page of the list, and a count, of what some filter matches.
    pub(super) async fn compare_filtered(&self, before: Option<SessionId>, limit: u32) -> Kept {
        let (filter, now) = (self.filter(), at(self.now));
        let query = ListQuery { filter: filter.clone(), before, limit };
        let _compared = both!(self, "a page of the list", sessions.list(query));
        let _compared = both!(self, "a count", sessions.count_matching(filter, before, now));
        Ok(())
    }

    /// Ends one chunk of what some filter matches.
    pub(super) async fn end_filtered(&self, reason: EndReason) -> Kept {
        let (filter, now, before) = (self.filter(), at(self.now), None::<SessionId>);
        let chunk = u32::try_from(self.store.below(4)).unwrap_or(1);
        let _compared = both!(self, "a filtered end", sessions.end_matching(filter, before, chunk, reason, now));
        Ok(())
    }
}
