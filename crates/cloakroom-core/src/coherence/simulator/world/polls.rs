//! Polls: begun on time or on a hint, late, lost, repeated, given up.

use std::sync::Arc;

use super::super::database::{Deed, Token, digest, token};
use super::super::judge::{Broken, Rule};
use super::super::protocol::{Answer, Look, Question};
use super::{Event, Request, Stage, Told, World, note};
use crate::coherence::{Applied, Change, Delta, Held};

impl World {
    pub(super) fn poll_due(&mut self, instance: usize, start: u32) {
        self.after(self.poll_every, Event::PollDue(instance, start));
        match self.instances[instance].polling {
            Some((_, began)) if self.now - began < self.lease / 2 => {}
            _ => self.begin_poll(instance),
        }
    }

    pub(super) fn hint(&mut self, instance: usize) {
        let clock = self.read(instance);
        self.instances[instance].protocol.hinted(&clock);
        self.coverage.hints += 1;
        if self.instances[instance].polling.is_none() {
            self.begin_poll(instance);
        }
    }

    fn begin_poll(&mut self, instance: usize) {
        let clock = self.read(instance);
        let number = self.count;
        let there = &mut self.instances[instance];
        let question = there.protocol.begin_poll(&clock);
        there.polling = Some((number, self.now));
        let start = there.start;
        note!(self, "{instance}: poll {number} begins, since {:?}", question.since);
        self.after(self.delay(), Event::PollAsked(instance, start, number, question));
    }

    pub(super) fn poll_asked(&mut self, instance: usize, start: u32, number: u64, question: Question) {
        if self.instances[instance].start != start {
            return;
        }
        if !self.is_reached(instance) {
            self.after(self.chance.below(self.lease / 4), Event::PollFailed(instance, start, number, question));
            return;
        }
        let reply = self.database.poll(&question);
        note!(self, "{instance}: poll {number} sees {:?}: {}", reply.horizon, shown(&reply.delta));
        let is_aimed_at = !self.is_calm && self.chance.per_mille(60) && self.aim(instance);
        if !self.is_calm && !is_aimed_at && self.chance.per_mille(40) {
            self.instances[instance].protocol.poll_lost(&reply);
            note!(self, "{instance}: the reply to poll {number} is lost");
            return;
        }
        let told = Box::new(Told { reply, losses: self.losses });
        if !self.is_calm && self.chance.per_mille(40) {
            let again = Event::PollAnswered(instance, start, number, question.clone(), told.clone());
            self.after(self.delay(), again);
        }
        let delay = if is_aimed_at { self.lease / 1_000 } else { self.delay() };
        self.after(delay, Event::PollAnswered(instance, start, number, question, told));
    }

    pub(super) fn poll_failed(&mut self, instance: usize, number: u64, question: &Question) {
        let clock = self.read(instance);
        let there = &mut self.instances[instance];
        there.polling = there.polling.filter(|(under_way, _)| *under_way != number);
        there.protocol.poll_failed(question, &clock);
        note!(self, "{instance}: poll {number} failed");
    }

    /// What is worst: another instance ends a session that is held here, just after this poll's snapshot; and then nobody
    /// hears of it for longer than a lease.
    fn aim(&mut self, instance: usize) -> bool {
        let warm = self.instances[instance].warm.back().copied();
        let Some(token) = warm.filter(|token| self.database.rows().contains_key(token)) else { return false };
        let by =
            (0..self.instances.len()).filter(|by| *by != instance).max_by_key(|by| self.instances[*by].clocks.drift);
        self.instances[instance].cut_until = self.now + self.lease * 3 / 2;
        let plan = self.urgent(Deed::End(vec![token]), by);
        self.after(self.lease / 5_000, Event::Write(plan));
        note!(self, "{instance} is cut off after this snapshot; {token} is going to be ended");
        true
    }

    pub(super) fn poll_answered(
        &mut self,
        instance: usize,
        number: u64,
        question: &Question,
        told: Told,
    ) -> Result<(), Broken> {
        let clock = self.read(instance);
        let Told { reply, losses } = told;
        let (named, names_all) = named(&reply.delta);
        let is_lost = matches!(reply.delta, Delta::Lost(_));
        let history = (reply.continuity.to_string(), losses);
        let horizon = reply.horizon.clone();
        let there = &mut self.instances[instance];
        there.polling = there.polling.filter(|(under_way, _)| *under_way != number);

        let mut hits: Vec<(Token, Arc<Held>)> = Vec::new();
        let policy = &self.policy;
        let applied = there.protocol.finish_poll(question, reply, &clock, &mut |protocol| {
            for token in &named {
                if let Answer::Yes(held) = protocol.find(&digest(*token), &clock, policy) {
                    hits.push((*token, held));
                }
            }
        });
        let start = there.start;
        for (token, held) in hits {
            let (began, stage, look) = (self.now, Stage::Answer, Look::default());
            self.served(
                &Request { instance, start, token, began, stage, look, tries: 0, is_check: false },
                &held,
                true,
            )?;
        }
        note!(self, "{instance}: poll {number} is answered: {applied:?}");
        let Applied::Renewed { emptied, .. } = applied else {
            self.coverage.late_polls += 1;
            return Ok(());
        };
        self.coverage.polls += 1;
        self.coverage.emptied += u64::from(emptied.is_some());
        self.coverage.lost_deltas += u64::from(is_lost);
        for token in named {
            self.judge.told(instance, token, self.now, false);
        }
        if losses == self.losses {
            self.unaware.retain(|unaware| *unaware != instance);
        }
        let there = &mut self.instances[instance];
        there.breaks += u64::from(names_all || is_lost || there.history.as_ref() != Some(&history));
        there.history = Some(history);
        there.horizon = Some(horizon);
        let (emptied, breaks) = (there.protocol.emptied(), there.breaks);
        if emptied > breaks {
            let what = format!("instance {instance} dropped everything {emptied} times and had {breaks} reasons");
            return Err((Rule::NeedlesslyEmptied, what));
        }
        Ok(())
    }
}

/// What a delta names, and whether it names everybody.
fn named(delta: &Delta) -> (Vec<Token>, bool) {
    let Delta::Changes(changes) = delta else { return (Vec::new(), false) };
    let digests = changes.iter().filter_map(|change| match change {
        Change::Ended { digest, .. } | Change::Changed { digest, .. } => Some(digest),
        Change::EveryoneEnded { .. } => None,
    });
    let names_all = changes.iter().any(|change| matches!(change, Change::EveryoneEnded { .. }));
    (digests.map(token).collect(), names_all)
}

fn shown(delta: &Delta) -> String {
    match delta {
        Delta::Lost(loss) => format!("{loss:?}"),
        Delta::Changes(_) => match named(delta) {
            (_, true) => "everyone has ended".to_owned(),
            (tokens, false) => format!("{tokens:?}"),
        },
    }
}
