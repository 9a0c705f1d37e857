//! The contract: what every store must do, as clauses that run on any of them.
//!
//! Each clause is small, gets a new empty store, and says what was expected and what was found. The traits in
//! [`store`](super) say what a store promises; this says it again in a form that can fail. Nothing here knows
//! how a store works inside, and nothing here needs a particular runtime.
//!
//! Whoever writes a store runs the whole contract on it, one test per clause:
//!
//! ```
//! use std::sync::Arc;
//!
//! use cloakroom_core::store::contract::Stores;
//! use cloakroom_core::store::memory::MemoryStore; // in its place: the store under test
//!
//! /// A new, empty store. What has to live as long as it, such as a temporary directory, goes to `keeping`.
//! async fn fresh() -> Stores {
//!     let store = Arc::new(MemoryStore::new());
//!     Stores::new(store.clone(), store.clone(), store).keeping("a temporary directory")
//! }
//!
//! cloakroom_core::contract_tests!(#[tokio::test] fresh);
//! ```
//!
//! The attribute is whatever makes a test of an `async fn`, such as `#[tokio::test(flavor = "multi_thread")]`; a
//! store that does its work on several threads should use that one, because the clauses about races are
//! sharper then. `CLOAKROOM_SEED` names the seed of one more random schedule; what fails prints its seed.
//!
//! Where the traits leave room, the contract decides:
//! - ending a session that has expired and is not purged counts, and its reason is the one given; a filtered end ends it too, for
//!   that reason, and counts the living alone;
//! - a replaced token is no ending: nothing is recorded, and [`SessionStore::ending_of`] its digest is `None`;
//! - a login that is overtaken or a conflict supersedes nothing and ends nothing over the cap;
//! - the oldest over the cap is the oldest login, not the least used one;
//! - ending the others with a token that is not theirs (or unknown) ends all of them;
//! - an account that is missing ends no session of its subject and overtakes no login;
//! - a purge takes what ended strictly before its time, a feed entry likewise;
//! - a poll names sessions, also where all of a subject or of everybody ended; that everybody's did, it may say besides;
//! - a poll may say that something was purged where only others' transactions kept it from being sure.
//!
//! What it leaves open: which of several rows a chunk takes first, in which order sessions are recorded that
//! end at once, and which reason a purge gives where both timeouts have passed.

mod account;
mod account_change;
mod administration;
mod broken;
mod ending;
mod event;
mod feed;
mod filter;
mod list;
mod login;
mod measurement;
mod moment;
mod password;
mod purge;
mod race;
mod replace;
mod schedule;
mod scrub;
mod service_token;
mod session;
mod throttle;
mod touch;
mod trial;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use broken::Broken;
pub use schedule::random_schedule;

use super::{AccountStore, MeasurementStore, SessionStore};
use trial::Trial;

/// A new, empty store, as a clause gets it.
#[derive(Debug)]
pub struct Stores {
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// Where accounts are kept: the same database, because what happens to an account ends sessions.
    pub accounts: Arc<dyn AccountStore>,
    /// Where measurements are kept: the same database, because endings are counted.
    pub measurements: Arc<dyn MeasurementStore>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Stores {
    /// The three sides of one store.
    pub fn new(
        sessions: Arc<dyn SessionStore>,
        accounts: Arc<dyn AccountStore>,
        measurements: Arc<dyn MeasurementStore>,
    ) -> Self {
        Self { sessions, accounts, measurements, kept: Vec::new() }
    }

    /// Holds `thing` for as long as the store is used: a temporary directory, a server process.
    #[must_use]
    pub fn keeping(mut self, thing: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(thing));
        self
    }
}

/// What checking a clause gives; to be awaited.
pub type Checking<'a> = Pin<Box<dyn Future<Output = Result<(), Broken>> + Send + 'a>>;

/// One clause of the contract.
#[derive(Clone, Copy, Debug)]
pub struct Clause {
    /// Its name, which is also the name of the test.
    pub name: &'static str,
    run: for<'a> fn(&'a Stores) -> Checking<'a>,
}

impl Clause {
    /// The clause of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CLAUSES.iter().find(|clause| clause.name == name)
    }

    /// Checks the clause on a new, empty store.
    ///
    /// # Errors
    /// What was expected and what was found, when the store does not keep it.
    pub async fn check(&self, stores: &Stores) -> Result<(), Broken> {
        (self.run)(stores).await.map_err(|broken| Broken { clause: self.name, ..broken })
    }
}

/// Declares the clauses once: as [`CLAUSES`] and as the tests of [`contract_tests`](crate::contract_tests).
///
/// `$d` is a dollar sign, for the macro that this macro writes.
macro_rules! clauses {
    ($d:tt $($file:ident { $($clause:ident,)* })*) => {
        /// Every clause, in reading order.
        pub const CLAUSES: &[Clause] = &[$($(Clause {
            name: stringify!($clause),
            run: |stores| Box::pin(async move { $file::$clause(&Trial::of(stores)).await }),
        },)*)*];

        /// Writes one test per clause of the [store contract](crate::store::contract): give it the attribute that
        /// makes an `async fn` a test, and the name of an `async fn() -> Stores` that returns a new, empty store.
        #[macro_export]
        macro_rules! contract_tests {
            ($d(#[$d attribute:meta])+ $d fresh:path) => {
                $($(
                    $d(#[$d attribute])+
                    async fn $clause() -> Result<(), $crate::store::contract::Broken> {
                        $crate::store::contract::check(stringify!($clause), &$d fresh().await).await
                    }
                )*)*
            };
        }
    };
}

/// Checks one clause by name.
///
/// # Errors
/// When the store does not keep it, or when there is no clause of this name.
pub async fn check(name: &str, stores: &Stores) -> Result<(), Broken> {
    match Clause::named(name) {
        Some(clause) => clause.check(stores).await,
        None => Err(Broken::new("the name of a clause", name)),
    }
}

clauses! { $
    session {
        an_issued_session_is_found_in_every_field,
        an_unknown_digest_is_not_found,
        digests_are_compared_byte_by_byte,
        a_taken_digest_is_a_conflict,
        a_taken_id_is_a_conflict,
        a_conflict_ends_nothing,
        subjects_are_compared_byte_by_byte,
        an_expired_session_is_found_until_it_is_purged,
    }
    login {
        a_login_ends_what_it_supersedes,
        superseding_reaches_another_subject_in_the_same_browser,
        superseding_what_is_gone_changes_nothing,
        superseded_sessions_do_not_count_towards_the_cap,
        the_cap_is_exact_and_the_oldest_goes,
        the_oldest_is_the_oldest_login_not_the_least_used,
        the_cap_is_per_subject,
        a_cap_of_one_leaves_the_new_session,
        a_lowered_cap_ends_all_that_is_over,
        expired_sessions_do_not_count_towards_the_cap,
        a_session_in_its_last_millisecond_counts_towards_the_cap,
    }
    moment {
        ending_a_subject_overtakes_its_logins,
        ending_a_subject_without_sessions_overtakes_its_first_login,
        ending_the_others_overtakes_logins_and_keeps_one,
        ending_others_that_are_none_overtakes_logins,
        ending_everyone_overtakes_every_login,
        a_password_change_overtakes_logins,
        disabling_overtakes_logins,
        removal_overtakes_logins,
        every_earlier_moment_is_overtaken,
        an_earlier_end_hides_no_later_one,
        an_overtaken_login_ends_nothing,
        ending_another_subject_overtakes_nothing,
        ending_single_sessions_overtakes_nothing,
        what_revokes_nothing_overtakes_nothing,
        the_order_of_commits_decides_not_the_clock,
        one_moment_serves_every_login_that_nothing_overtook,
    }
    touch {
        a_touch_moves_the_last_use_and_nothing_else,
        a_touch_never_moves_the_last_use_back,
        a_touch_prolongs_the_idle_timeout,
        an_idle_session_is_not_touched,
        a_session_past_its_absolute_timeout_is_not_touched,
        touching_the_unknown_is_refused_and_leaves_no_row,
        a_touch_after_the_end_leaves_no_row,
        a_batch_touches_the_living_and_names_the_gone,
        a_batch_may_name_a_session_twice,
        a_batch_may_be_empty_or_large,
    }
    replace {
        a_replaced_token_is_unusable_and_the_new_one_is_the_same_session,
        replacing_is_no_ending,
        replacing_the_unknown_leaves_no_row,
        replacing_after_the_end_brings_nobody_back,
        replacing_after_expiry_brings_nobody_back,
        a_taken_new_token_is_a_conflict,
        a_proof_restarts_both_timers,
        a_proof_never_moves_the_last_use_back,
    }
    ending {
        ending_by_token_ends_that_session,
        ending_by_id_ends_that_session,
        ending_an_own_session_ends_no_other_subjects,
        ending_a_subject_ends_all_of_it,
        ending_the_others_keeps_one,
        ending_the_others_of_a_token_not_theirs_ends_all,
        ending_everyone_ends_all,
        ending_the_unknown_ends_nothing,
        every_reason_reads_back,
        endings_are_newest_first_limited_and_per_subject,
        an_expired_session_ends_once,
        an_ended_session_stays_ended,
    }
    list {
        a_list_is_newest_first_and_whole,
        a_list_of_a_subject_has_its_sessions_only,
        a_list_is_limited,
        pages_follow_each_other_without_gap_or_overlap,
        a_page_starts_below_an_id_that_is_gone,
        expired_sessions_are_listed_until_they_are_purged,
        no_page_is_longer_than_the_longest,
    }
    filter {
        each_field_of_a_filter_is_asked,
        fields_of_a_filter_are_asked_together,
        a_page_with_a_next_one_is_not_the_last,
        only_the_living_are_counted,
        a_count_begins_below_an_id,
        a_filtered_end_ends_what_matches_and_says_why,
        a_filtered_end_goes_in_chunks,
        a_filtered_end_leaves_nothing_that_matches,
        a_filtered_end_overtakes_no_login,
        what_matches_no_more_is_not_ended,
        concurrent_filtered_ends_count_each_session_once,
    }
    purge {
        purging_takes_what_ended_before_a_time,
        purging_never_takes_the_living,
        the_earlier_timeout_ends_a_session,
        purging_goes_in_chunks_and_says_whether_there_is_more,
        purging_an_empty_store_does_nothing,
        the_feed_forgets_what_is_older_than_its_retention,
        the_feed_is_purged_in_chunks,
        forgetting_an_ending_does_not_let_a_late_login_in,
    }
    scrub {
        client_facts_are_forgotten_after_their_time,
        a_scrubbed_session_lives_on,
        scrubbing_goes_in_chunks_over_everybody,
    }
    feed {
        the_first_poll_names_nothing,
        every_way_of_ending_is_named_with_its_reason,
        what_a_login_ends_is_named,
        what_happens_to_an_account_names_its_sessions,
        purged_sessions_are_named,
        a_replaced_token_is_a_change,
        what_takes_nothing_away_is_not_named,
        each_change_is_named_once,
        readers_are_independent,
        what_was_purged_unseen_is_lost,
        what_was_purged_after_it_was_seen_is_not_lost,
    }
    account {
        a_new_account_is_found_in_every_field,
        an_unknown_account_is_not_found,
        a_taken_login_name_or_subject_is_refused,
        only_the_first_account_is_the_first,
        accounts_are_listed_by_the_bytes_of_their_login_name,
    }
    password {
        a_password_change_ends_the_sessions_but_the_one_to_keep,
        a_password_change_that_keeps_none_ends_all,
        a_password_change_on_stale_facts_does_nothing,
        an_operator_sets_a_password_in_any_case,
        a_rehash_ends_nothing_and_compares,
    }
    account_change {
        disabling_ends_the_sessions,
        disabling_twice_keeps_the_first_time,
        enabling_revives_nothing,
        removal_ends_the_sessions_and_frees_the_name,
        an_account_that_is_missing_is_missing_everywhere,
    }
    administration {
        an_administrator_changes_others_accounts,
        nobody_else_changes_others_accounts,
        of_administrators_who_disable_each_other_one_is_left,
    }
    throttle {
        failures_are_remembered_to_the_millisecond,
        a_success_forgets_the_failures_of_its_name_alone,
        what_one_rule_refuses_is_counted_under_none,
        of_concurrent_attempts_five_are_made_at_once,
        concurrent_attempts_of_many_names_do_not_lock_each_other_out,
        who_is_locked_is_named_until_forgotten,
        counters_that_say_nothing_or_are_old_are_purged,
        counters_over_the_most_are_purged_in_chunks,
    }
    service_token {
        a_service_token_is_found_in_every_field_and_listed_by_name,
        a_taken_name_or_digest_of_a_service_token_changes_nothing,
        a_removed_service_token_is_gone_and_a_use_does_not_bring_it_back,
        the_use_of_a_service_token_is_noted_and_never_goes_back,
        there_are_no_more_service_tokens_than_can_be,
    }
    event {
        what_happened_is_read_back_in_every_field,
        events_are_listed_newest_first_per_subject_and_in_pages,
        what_is_recorded_twice_happened_once,
        old_events_and_those_over_the_most_are_purged_in_chunks,
    }
    measurement {
        what_was_measured_is_read_back_in_every_name,
        counts_of_a_bucket_are_added_up_and_what_is_read_grows,
        measurements_are_asked_for_by_resolution_and_time,
        old_measurements_and_those_far_ahead_are_purged_in_chunks,
        endings_are_counted_by_bucket_and_reason,
        a_sample_has_the_first_digests_and_says_who_lives,
        of_concurrent_counts_none_is_lost,
    }
    race {
        concurrent_logins_stay_within_the_cap,
        of_concurrent_logins_with_one_digest_one_wins,
        of_concurrent_first_accounts_one_wins,
        of_concurrent_accounts_with_one_name_one_wins,
        of_concurrent_password_changes_one_wins,
        of_concurrent_replacements_one_wins,
        concurrent_endings_count_each_session_once,
        what_was_ended_is_nowhere_whatever_else_was_going_on,
        no_concurrent_login_outlives_the_end_of_its_subject,
        no_concurrent_login_outlives_the_end_of_everyone,
        no_concurrent_login_outlives_what_happens_to_its_account,
    }
    schedule {
        random_schedule_of_seed_1,
        random_schedule_of_seed_2,
        random_schedule_of_seed_3,
        random_schedule_of_a_seed_of_your_choice,
    }
}
