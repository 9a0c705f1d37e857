//! 256 random bits and their text: what a session's token and an application's service token are made of. What they open is not
//! known here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::world::{Random, RandomUnavailable};

/// Length of the text after its prefix: base64url without padding (RFC 4648 section 5).
pub(crate) const SECRET_TEXT_LEN: usize = 43;

/// The bytes. Wiped when dropped; not printed, not compared.
pub(crate) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    pub(crate) fn generate(random: &dyn Random) -> Result<Self, RandomUnavailable> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut bytes[..])?;
        Ok(Self(bytes))
    }

    /// Reads the one text there is of each secret.
    pub(crate) fn parse(prefix: &str, text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(prefix).filter(|encoded| encoded.len() == SECRET_TEXT_LEN)?;
        let mut bytes = Zeroizing::new([0; 33]); // the decoder wants room for its estimate
        let written = URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes[..]).ok()?;
        let secret = bytes.get(..written).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())?;
        Some(Self(Zeroizing::new(secret)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0[..]
    }

    /// What only the holder can know, for one purpose.
    pub(crate) fn derived_for(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let hash = Sha256::new().chain_update(purpose).chain_update([0]).chain_update(self.bytes());
        Zeroizing::new(hash.finalize().into())
    }

    pub(crate) fn reveal(&self, prefix: &str) -> Zeroizing<String> {
        let mut text = String::with_capacity(prefix.len() + SECRET_TEXT_LEN);
        text.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(self.bytes(), &mut text);
        Zeroizing::new(text)
    }

    #[cfg(test)]
    pub(crate) fn of(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}
