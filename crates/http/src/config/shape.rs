//! Owns what the program uses of a limit, and whether a configuration has that. Never a bucket.

use std::collections::HashSet;

use tollgate::Limit;

use super::config::Config;
use super::fit_error::{FitError, FitRule};
use super::named_limit::NamedLimit;

/// What the program uses of a limit, in the order of its bucket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    name: String,
    keyed: bool,
    streams: Vec<String>,
    tiers: Vec<String>,
}

/// What a shape takes out of a configuration.
#[derive(Debug)]
pub(super) struct Fitting<'a> {
    pub(super) limit: &'a NamedLimit,
    /// The limits of each stream: those of the limit itself, then those of each tier.
    pub(super) tiers: Vec<Vec<Limit>>,
}

impl Shape {
    pub(super) fn new(name: &str, keyed: bool, streams: &[&str], tiers: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { name: name.to_owned(), keyed, streams: owned(streams), tiers: owned(tiers) }
    }

    /// The place of the limit.
    pub(super) fn place(&self) -> String {
        format!("limits.{}", self.name)
    }

    /// The place of a stream of the limit itself, which is tier 0, or of a tier.
    pub(super) fn place_of(&self, tier: usize, stream: usize) -> String {
        let of = |tier: &str| self.stream_place(tier, &self.streams[stream]);
        if tier == 0 { of("streams") } else { of(&format!("tiers.{}", self.tiers[tier - 1])) }
    }

    fn stream_place(&self, of: &str, stream: &str) -> String {
        format!("{}.{of}.{stream}", self.place())
    }

    pub(super) fn streams(&self) -> &[String] {
        &self.streams
    }

    /// How many tiers there are, the limit itself included.
    pub(super) fn tiers(&self) -> usize {
        self.tiers.len() + 1
    }

    /// Takes the limits out of a configuration that has all that the program uses, and no more.
    pub(super) fn fit<'a>(&self, config: &'a Config) -> Result<Fitting<'a>, FitError> {
        let limit = config.limit(&self.name).ok_or_else(|| FitError::new(self.place(), FitRule::NoLimit))?;
        match (self.keyed, limit.key()) {
            (true, None) => return Err(FitError::new(self.place(), FitRule::NoKey)),
            (false, Some(_)) => return Err(FitError::new(format!("{}.key", self.place()), FitRule::HasKey)),
            _ => (),
        }
        let tier_place = |tier: &str| format!("{}.tiers.{tier}", self.place());
        different(&self.streams, |stream| self.stream_place("streams", stream))?;
        different(&self.tiers, tier_place)?;
        if let Some(tier) = self.tiers.iter().find(|name| !limit.tiers().any(|tier| tier == *name)) {
            return Err(FitError::new(tier_place(tier), FitRule::NoTier));
        }
        let tier_of = |tier: Option<&String>| {
            let stream_of = |stream: &String| {
                let found = match tier {
                    Some(tier) => limit.tier_stream(tier, stream),
                    None => limit.stream(stream),
                };
                found.ok_or_else(|| FitError::new(self.stream_place("streams", stream), FitRule::NoStream))
            };
            self.streams.iter().map(stream_of).collect::<Result<Vec<_>, _>>()
        };
        let tiers = [None].into_iter().chain(self.tiers.iter().map(Some)).map(tier_of).collect::<Result<_, _>>()?;
        if let Some((stream, _)) = limit.streams().find(|(stream, _)| !self.streams.iter().any(|name| name == stream)) {
            return Err(FitError::new(self.stream_place("streams", stream), FitRule::UnusedStream));
        }
        if let Some(tier) = limit.tiers().find(|tier| !self.tiers.iter().any(|name| name == tier)) {
            return Err(FitError::new(tier_place(tier), FitRule::UnusedTier));
        }
        Ok(Fitting { limit, tiers })
    }
}

/// Whether no two names are equal.
fn different(names: &[String], place: impl Fn(&str) -> String) -> Result<(), FitError> {
    let mut known = HashSet::new();
    match names.iter().find(|name| !known.insert(*name)) {
        Some(name) => Err(FitError::new(place(name), FitRule::NamedTwice)),
        None => Ok(()),
    }
}
