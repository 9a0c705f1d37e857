//! Faults, and the calm after them.

use super::{Event, World, note};

impl World {
    pub(super) fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        self.after(self.chance.falling(self.fault_every), Event::Fault);
        let instance = self.chance.index(self.instances.len());
        match self.chance.below(100) {
            0..20 => self.pause(instance, false),
            20..30 => self.pause(instance, true),
            30..42 => self.set_the_clock(instance),
            42..60 => self.cut_off(instance),
            60..68 => self.restart(instance),
            68..74 => {
                self.database.restart(self.now + self.chance.below(self.lease / 2));
                self.coverage.database_restarts += 1;
                note!(self, "the database restarts");
            }
            74..80 => self.fail_over(),
            80..86 => self.rewind(),
            _ => {
                self.database.purge_feed(self.chance.index(6));
                self.coverage.purges += 1;
                note!(self, "the feed is purged");
            }
        }
    }

    /// Stops a process, or suspends its machine.
    fn pause(&mut self, instance: usize, is_suspended: bool) {
        let there = &mut self.instances[instance];
        if self.now < there.paused_until {
            return;
        }
        let span = self.chance.below(self.lease * 2);
        there.paused_until = self.now + span;
        if is_suspended {
            there.clocks.suspended += span;
            self.coverage.suspensions += 1;
        }
        self.coverage.pauses += 1;
        note!(self, "{instance} stops for {}", super::ms(span));
    }

    fn set_the_clock(&mut self, instance: usize) {
        let span = i64::try_from(self.chance.below(self.lease * 3) / 1_000_000).unwrap_or(0);
        let by = if self.chance.per_mille(600) { -span } else { span };
        self.instances[instance].clocks.day += by;
        self.coverage.clocks_set += 1;
        note!(self, "{instance}: somebody sets the clock by {by} ms");
    }

    fn cut_off(&mut self, instance: usize) {
        let span = self.chance.below(self.lease * 2);
        self.instances[instance].cut_until = self.now + span;
        self.coverage.cuts += 1;
        note!(self, "{instance} is cut off for {}", super::ms(span));
    }

    fn restart(&mut self, instance: usize) {
        let soon = self.chance.below(self.lease / 10);
        let there = &mut self.instances[instance];
        there.start += 1;
        there.protocol.restart();
        there.polling = None;
        there.loads.clear();
        there.joinable.clear();
        there.touches.clear();
        there.horizon = None;
        there.history = None;
        there.breaks = 0;
        let start = there.start;
        self.judge.started(instance);
        self.coverage.restarts += 1;
        self.after(soon, Event::PollDue(instance, start));
        self.after(self.lease / 2, Event::Sweep(instance, start));
        note!(self, "{instance} restarts");
    }

    fn fail_over(&mut self) {
        self.database.fail_over(self.chance.index(3), self.now + self.chance.below(self.lease / 3));
        self.losses += 1;
        self.unaware.clear();
        self.judge.lost(self.now);
        self.judge.observe(self.now, self.database.rows());
        self.coverage.failovers += 1;
        note!(self, "the database fails over to an older state: {:?}", self.database.rows().keys());
    }

    fn rewind(&mut self) {
        let seen: Vec<_> = self.instances.iter().filter_map(|there| there.horizon.clone()).collect();
        if self.unaware.is_empty() && self.database.rewind(self.chance.index(3), &seen) {
            self.losses += 1;
            self.unaware = (0..self.instances.len()).collect();
            self.judge.lost(self.now);
            self.judge.observe(self.now, self.database.rows());
            self.coverage.rewinds += 1;
            note!(self, "the database goes back to an older state: {:?}", self.database.rows().keys());
        }
    }

    /// No more faults: in the end memory answers again.
    pub(super) fn calm(&mut self) {
        self.is_calm = true;
        for there in &mut self.instances {
            there.paused_until = self.now;
            there.cut_until = self.now;
        }
        self.database.down_until = self.now;
        // What is under way may take two leases and a half; then a poll, and a load; whatever a purge disturbs is asked again.
        for tenths in [45, 47, 49] {
            self.after(self.lease * tenths / 10, Event::WarmUp);
        }
        self.after(self.lease * 5, Event::Check);
        note!(self, "no more faults");
    }
}
