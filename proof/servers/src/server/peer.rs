//! Owns the route behind `tower_governor`. Never binds a port.

use axum::Router;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::SmartIpKeyExtractor;

use super::limited;
use super::settings::Settings;
use crate::Outcome;

/// Requests of each client, with its header fields.
pub(super) fn governed(settings: &Settings) -> Outcome<Router> {
    let rate = settings.client.rate;
    let config = GovernorConfigBuilder::default()
        .period(rate.period() / u32::try_from(rate.tokens())?)
        .burst_size(u32::try_from(settings.client.capacity)?)
        .key_extractor(SmartIpKeyExtractor)
        .use_headers()
        .finish()
        .ok_or("tower_governor takes no rate or capacity of 0")?;
    Ok(limited::bare().layer(GovernorLayer::new(config)))
}
