//! Requests: from memory, or by a load that others may join.

use std::sync::Arc;

use super::super::database::{Deed, Token, digest, held};
use super::super::judge::{Broken, Rule};
use super::super::protocol::{Answer, Look};
use super::{Event, Found, Loading, NoAnswer, Request, Stage, World, note};
use crate::coherence::Held;
use crate::verdict::{Verdict, verdict};

/// Loads a request waits for in vain before it is told that there is no answer.
const TRIES: u32 = 3;

impl World {
    pub(super) fn arrive(&mut self, instance: usize) -> Result<(), Broken> {
        self.after(self.chance.falling(self.lease / 30), Event::Arrival(instance));
        // Mostly what lives, and what has ended too.
        let rows = self.database.rows();
        let living = rows.keys().nth(self.chance.index(rows.len())).filter(|token| self.known.contains(token));
        let any = self.known.get(self.chance.index(self.known.len()));
        match if self.chance.per_mille(800) { living.or(any) } else { any } {
            Some(token) => self.request(instance, *token, false),
            None => Ok(()),
        }
    }

    pub(super) fn request(&mut self, instance: usize, token: Token, is_check: bool) -> Result<(), Broken> {
        self.coverage.requests += 1;
        let start = self.instances[instance].start;
        let stage = Stage::LookFirst;
        self.step(Request { instance, start, token, began: self.now, stage, look: Look::default(), tries: 0, is_check })
    }

    /// Asks for a token on an instance some time later.
    pub(super) fn probe(&mut self, span: u64, instance: usize, token: Token) {
        let start = self.instances[instance].start;
        let (began, stage) = (self.now + span, Stage::LookFirst);
        let look = Look::default();
        self.after(
            span,
            Event::Step(Request { instance, start, token, began, stage, look, tries: 0, is_check: false }),
        );
    }

    pub(super) fn step(&mut self, mut request: Request) -> Result<(), Broken> {
        if matches!(request.stage, Stage::LookFirst) {
            request.began = self.now; // one that came while the process was stopped was not yet taken
        }
        loop {
            let clock = self.read(request.instance);
            let digest = digest(request.token);
            let protocol = &self.instances[request.instance].protocol;
            match request.stage {
                Stage::LookFirst if self.is_calm || !self.chance.per_mille(40) => {
                    let answer = protocol.find(&digest, &clock, &self.policy);
                    return self.answered(request, answer);
                }
                Stage::LookFirst => {
                    protocol.look_first(&digest, &mut request.look);
                    request.stage = Stage::LookSecond;
                }
                Stage::LookSecond => {
                    protocol.look_second(&digest, &mut request.look);
                    request.stage = Stage::Answer;
                }
                Stage::Answer => {
                    let answer = protocol.answer(&digest, &request.look, &clock, &self.policy);
                    return self.answered(request, answer);
                }
                Stage::Loaded { .. } => return self.loaded(request),
            }
            if self.stalls(&request, 400) {
                return Ok(());
            }
        }
    }

    fn answered(&mut self, request: Request, answer: Answer) -> Result<(), Broken> {
        match answer {
            Answer::Yes(held) => self.served(&request, &held, true),
            Answer::Ask => {
                self.ask(request);
                Ok(())
            }
            Answer::No => self.refused(&request),
        }
    }

    /// Whether the thread that serves the request is stopped here for a while, and others are not.
    fn stalls(&mut self, request: &Request, per_mille: u64) -> bool {
        if self.is_calm || !self.chance.per_mille(per_mille) {
            return false;
        }
        self.coverage.stalls += 1;
        let span = self.chance.below(if self.chance.per_mille(500) { self.lease / 20 } else { self.lease * 2 });
        note!(self, "{}: a request for {} stops at {:?}", request.instance, request.token, request.stage);
        self.after(span, Event::Step(request.clone()));
        true
    }

    fn ask(&mut self, request: Request) {
        let (instance, token) = (request.instance, request.token);
        let clock = self.read(instance);
        let number = self.count;
        let there = &mut self.instances[instance];
        let start = there.start;
        // Who waited in vain asks for itself.
        let joined = there.joinable.get(&token).copied().filter(|_| request.tries == 0);
        if let Some(loading) = joined.and_then(|load| there.loads.get_mut(&load))
            && there.protocol.may_join(&loading.load)
        {
            loading.waiting.push((request, true));
            self.coverage.joined += 1;
            return;
        }
        let load = there.protocol.begin_load(&clock);
        there.loads.insert(number, Loading { load, token, waiting: vec![(request, false)] });
        there.joinable.insert(token, number);
        self.coverage.loads += 1;
        note!(self, "{instance}: load {number} of {token} begins");
        self.after(self.delay(), Event::LoadAsked(instance, start, number));
        self.after(self.lease * 3 / 2, Event::LoadGivenUp(instance, start, number));
    }

    pub(super) fn load_asked(&mut self, instance: usize, start: u32, load: u64) {
        let token = self.instances[instance].loads.get(&load).map(|loading| loading.token);
        let (Some(token), true) = (token, self.instances[instance].start == start) else { return };
        let is_reached = self.is_reached(instance);
        let found = if is_reached { Ok(self.database.rows().get(&token).cloned()) } else { Err(NoAnswer) };
        note!(self, "{instance}: load {load} finds {token} {}", shown(&found));
        if !self.is_calm && self.chance.per_mille(5) && self.end_behind(instance, &found, token) {
            self.after(self.lease / 100, Event::LoadAnswered(instance, start, load, found));
        } else if self.is_calm || !self.chance.per_mille(15) {
            self.after(self.delay(), Event::LoadAnswered(instance, start, load, found));
        }
    }

    /// What is worst: this instance ends the session itself when a load has just read it and has not brought it home.
    fn end_behind(&mut self, instance: usize, found: &Found, token: Token) -> bool {
        let Ok(Some(row)) = found else { return false };
        let deed = if self.chance.per_mille(500) { Deed::End(vec![token]) } else { Deed::EndSubject(row.subject) };
        let plan = self.urgent(deed, Some(instance));
        self.after(self.lease / 5_000, Event::Write(plan));
        true
    }

    pub(super) fn load_answered(&mut self, instance: usize, load: u64, found: &Found) -> Result<(), Broken> {
        let clock = self.read(instance);
        let there = &mut self.instances[instance];
        let Some(loading) = there.loads.remove(&load) else { return Ok(()) };
        there.joinable.retain(|_, joinable| *joinable != load);
        note!(self, "{instance}: load {load} is answered: {} {}", loading.token, shown(found));
        if let Ok(Some(row)) = &found
            && verdict(row.times, clock.now, &self.policy) == Verdict::Usable
        {
            let there = &mut self.instances[instance];
            self.coverage.races += u64::from(!there.protocol.may_join(&loading.load));
            there.protocol.finish_load(&loading.load, Arc::new(held(loading.token, row, &self.subjects)));
        }
        for (mut request, has_joined) in loading.waiting {
            request.stage = Stage::Loaded { load: loading.load, found: found.clone(), has_joined };
            if !self.stalls(&request, 20) {
                self.step(request)?;
            }
        }
        Ok(())
    }

    /// Nobody waits any longer; should the reply come all the same, it may be kept.
    pub(super) fn load_given_up(&mut self, instance: usize, load: u64) -> Result<(), Broken> {
        let there = &mut self.instances[instance];
        there.joinable.retain(|_, joinable| *joinable != load);
        let waiting = there.loads.get_mut(&load).map(|loading| std::mem::take(&mut loading.waiting));
        waiting.into_iter().flatten().try_for_each(|(request, _)| self.without_answer(&request))
    }

    fn loaded(&mut self, mut request: Request) -> Result<(), Broken> {
        let Stage::Loaded { load, found, has_joined } = request.stage.clone() else { return Ok(()) };
        let clock = self.read(request.instance);
        let there = &mut self.instances[request.instance];
        let Ok(found) = found else { return self.without_answer(&request) };
        if !there.protocol.may_serve(&load, &clock) {
            self.coverage.late_loads += 1;
            return self.again(request);
        }
        match found {
            Some(row) if verdict(row.times, clock.now, &self.policy) == Verdict::Usable => {
                let held = held(request.token, &row, &self.subjects);
                self.served(&request, &held, false)
            }
            // It says what was so before this request came, and somebody may have used the session since.
            _ if has_joined && !there.protocol.shares_no() => self.again(request),
            found => {
                if found.is_none() && request.look.held.take().is_some() {
                    there.protocol.forget(&digest(request.token));
                }
                there.protocol.found_unusable(&digest(request.token));
                self.refused(&request)
            }
        }
    }

    fn again(&mut self, mut request: Request) -> Result<(), Broken> {
        request.tries += 1;
        if request.tries == TRIES {
            return self.without_answer(&request);
        }
        self.ask(request);
        Ok(())
    }

    fn without_answer(&mut self, request: &Request) -> Result<(), Broken> {
        if self.instances[request.instance].protocol.takes_silence_for_no() {
            return self.refused(request);
        }
        if request.is_check {
            let what = format!("instance {} has no answer for {}", request.instance, request.token);
            return Err((Rule::Liveness, what));
        }
        self.coverage.unavailable += 1;
        note!(self, "{}: a request for {} has no answer", request.instance, request.token);
        Ok(())
    }

    pub(super) fn served(&mut self, request: &Request, held: &Held, is_hit: bool) -> Result<(), Broken> {
        let Request { instance, token, .. } = *request;
        self.coverage.hits += u64::from(is_hit);
        let how = if is_hit { "memory" } else { "a load" };
        note!(self, "{instance}: serves {token} from {how}; the request began at {}", super::ms(request.began));
        let subject = self.subjects.iter().position(|subject| subject == held.subject()).unwrap_or(usize::MAX);
        let case = self.case(instance, token, request.began);
        self.judge
            .served(&case, subject)
            .map_err(|(rule, what)| (rule, format!("instance {instance} served {what}")))?;
        if request.is_check && !is_hit {
            return Err((Rule::Liveness, format!("instance {instance} still asks the database for {token}")));
        }
        let times = held.times();
        if case.day >= times.last_seen_at.plus(self.policy.touch_interval(times)) && held.note_use(case.day) {
            self.instances[instance].touches.insert(token, case.day);
            self.judge.used(token, case.day);
        }
        let warm = &mut self.instances[instance].warm;
        warm.push_back(token);
        if warm.len() > 6 {
            warm.pop_front();
        }
        Ok(())
    }

    fn refused(&mut self, request: &Request) -> Result<(), Broken> {
        let Request { instance, token, .. } = *request;
        self.coverage.refusals += 1;
        note!(self, "{instance}: refuses {token}");
        if request.is_check {
            return Err((Rule::Liveness, format!("instance {instance} refuses {token}, which is usable")));
        }
        let case = self.case(instance, token, request.began);
        self.judge.refused(&case).map_err(|(rule, what)| (rule, format!("instance {instance} refused: {what}")))
    }

    /// Every instance is asked for every session that will be usable for a while; in the end memory has to answer.
    pub(super) fn check(&mut self, is_check: bool) -> Result<(), Broken> {
        let tokens: Vec<Token> =
            self.database.rows().keys().copied().filter(|token| self.known.contains(token)).collect();
        for instance in 0..self.instances.len() {
            for token in &tokens {
                // By this clock and by the database's, which takes no more uses of what has expired.
                let soon = self.read(instance).now.max(self.day()).plus(self.terms.lease);
                // One that ends by idleness may have been used elsewhere, and then memory asks once more.
                let is_usable = |row: &super::Row| {
                    let is_tried = !is_check || row.times.idle_timeout.is_none();
                    is_tried && verdict(row.times, soon, &self.policy) == Verdict::Usable
                };
                if self.database.rows().get(token).is_some_and(is_usable) {
                    self.coverage.checks += u64::from(is_check);
                    self.request(instance, *token, is_check)?;
                }
            }
        }
        Ok(())
    }
}

fn shown(found: &Found) -> &'static str {
    match found {
        Ok(Some(_)) => "there",
        Ok(None) => "gone",
        Err(_) => "unreachable",
    }
}
