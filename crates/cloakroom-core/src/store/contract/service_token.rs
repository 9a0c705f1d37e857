//! Clauses about service tokens.

use super::trial::{Kept, Trial, at, same};
use crate::service_token::{SERVICE_TOKENS_MAX, Scope, ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord};
use crate::store::Added;

#[expect(clippy::expect_used, reason = "the texts are the suite's own")]
fn name(text: &str) -> ServiceTokenName {
    ServiceTokenName::new(text).expect("a name")
}

/// The service token of this name, whose digest is of this byte.
fn token(text: &str, byte: u8) -> ServiceTokenRecord {
    let mut digest = [byte; 32];
    digest[31] = 0xfe; // no text, and not the same from both ends
    ServiceTokenRecord {
        name: name(text),
        digest: ServiceTokenDigest::from_bytes(digest),
        scope: Scope::Sessions,
        created_at: at(1),
        last_used_at: None,
    }
}

impl Trial<'_> {
    async fn add_service_token(&self, record: &ServiceTokenRecord) -> Kept<Added> {
        Ok(self.accounts.add_service_token(record.clone()).await?)
    }
}

pub(super) async fn a_service_token_is_found_in_every_field_and_listed_by_name(trial: &Trial<'_>) -> Kept {
    let (billing, mut admin) = (token("billing", 1), token("admin", 2));
    (admin.scope, admin.last_used_at) = (Scope::Admin, Some(at(5)));
    for record in [&billing, &admin] {
        same("it is kept", &trial.add_service_token(record).await?, &Added::Added)?;
    }
    for record in [&billing, &admin] {
        same("found by its digest", &trial.accounts.service_token(record.digest).await?, &Some(record.clone()))?;
    }
    same("no other is", &trial.accounts.service_token(token("x", 3).digest).await?, &None)?;
    same("listed by name", &trial.accounts.service_tokens().await?, &vec![admin, billing])
}

pub(super) async fn a_taken_name_or_digest_of_a_service_token_changes_nothing(trial: &Trial<'_>) -> Kept {
    let first = token("billing", 1);
    same("the first is kept", &trial.add_service_token(&first).await?, &Added::Added)?;
    same("its name is taken", &trial.add_service_token(&token("billing", 2)).await?, &Added::Taken)?;
    same("its digest is taken", &trial.add_service_token(&token("other", 1)).await?, &Added::Taken)?;
    same("another case is another name", &trial.add_service_token(&token("Billing", 3)).await?, &Added::Added)?;
    same("what was there is as it was", &trial.accounts.service_token(first.digest).await?, &Some(first))
}

pub(super) async fn a_removed_service_token_is_gone_and_a_use_does_not_bring_it_back(trial: &Trial<'_>) -> Kept {
    let (one, other) = (token("billing", 1), token("shop", 2));
    for record in [&one, &other] {
        same("it is kept", &trial.add_service_token(record).await?, &Added::Added)?;
    }
    same("it is removed", &trial.accounts.remove_service_token(name("billing")).await?, &true)?;
    same("once", &trial.accounts.remove_service_token(name("billing")).await?, &false)?;
    trial.accounts.use_service_token(one.digest, at(9)).await?;
    same("it is not found", &trial.accounts.service_token(one.digest).await?, &None)?;
    same("the other is there", &trial.accounts.service_tokens().await?, &vec![other])?;
    same("its name is free", &trial.add_service_token(&token("billing", 4)).await?, &Added::Added)
}

pub(super) async fn the_use_of_a_service_token_is_noted_and_never_goes_back(trial: &Trial<'_>) -> Kept {
    let (one, other) = (token("billing", 1), token("shop", 2));
    for record in [&one, &other] {
        same("it is kept", &trial.add_service_token(record).await?, &Added::Added)?;
    }
    for (used, noted) in [(at(70), at(70)), (at(60), at(70)), (at(80), at(80))] {
        trial.accounts.use_service_token(one.digest, used).await?;
        let wanted = Some(ServiceTokenRecord { last_used_at: Some(noted), ..one.clone() });
        same("the last use, and nothing else", &trial.accounts.service_token(one.digest).await?, &wanted)?;
    }
    same("only of the one that was used", &trial.accounts.service_token(other.digest).await?, &Some(other))
}

pub(super) async fn there_are_no_more_service_tokens_than_can_be(trial: &Trial<'_>) -> Kept {
    for number in 0..SERVICE_TOKENS_MAX {
        let mut record = token(&format!("n{number}"), 0);
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        record.digest = ServiceTokenDigest::from_bytes(digest);
        same("there is room", &trial.add_service_token(&record).await?, &Added::Added)?;
    }
    same("then there is none", &trial.add_service_token(&token("more", 9)).await?, &Added::Full)?;
    same("until one is removed", &trial.accounts.remove_service_token(name("n7")).await?, &true)?;
    same("there is room again", &trial.add_service_token(&token("more", 9)).await?, &Added::Added)?;
    same("all of them are listed", &trial.accounts.service_tokens().await?.len(), &(SERVICE_TOKENS_MAX as usize))
}
