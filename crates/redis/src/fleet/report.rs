//! Owns the names of the metrics of a fleet. Never counts.

use super::figures::FleetFigures;

impl<const N: usize> FleetFigures<N> {
    /// Reports these figures through the facade [`metrics`](https://docs.rs/metrics), under the
    /// name of the limit. Call it before metrics are read.
    ///
    /// | metric | kind | labels |
    /// |---|---|---|
    /// | `tollgate_fleet_tokens_total` | counter | `policy`, `stream`, `state`: `granted`, `used`, `returned`, `lost` |
    /// | `tollgate_fleet_held_tokens` | gauge | `policy`, `stream` |
    /// | `tollgate_fleet_trips_total` | counter | `policy` |
    /// | `tollgate_fleet_refused_total` | counter | `policy` |
    /// | `tollgate_fleet_epoch` | gauge | `policy` |
    /// | `tollgate_fleet_revision` | gauge | `policy` |
    /// | `tollgate_fleet_away_seconds` | gauge | `policy` |
    ///
    /// `policy` is the name, and `stream` the number of the stream: 0 is the first.
    ///
    /// ```no_run
    /// # fn report(orders: &tollgate_redis::FleetBucket<2>) {
    /// orders.figures().report("orders");
    /// # }
    /// ```
    pub fn report(&self, policy: &str) {
        let policy = || policy.to_owned();
        for stream in 0..N {
            let labels = || [("policy", policy()), ("stream", stream.to_string())];
            let used = u64::try_from(self.used[stream]).unwrap_or(0);
            let states = [
                ("granted", self.granted[stream]),
                ("used", used),
                ("returned", self.returned[stream]),
                ("lost", self.lost[stream]),
            ];
            for (state, tokens) in states {
                let [policy, stream] = labels();
                let labels = [policy, stream, ("state", state.to_owned())];
                metrics::counter!("tollgate_fleet_tokens_total", &labels).absolute(tokens);
            }
            metrics::gauge!("tollgate_fleet_held_tokens", &labels()).set(self.held[stream] as f64);
        }
        metrics::counter!("tollgate_fleet_trips_total", "policy" => policy()).absolute(self.trips);
        metrics::counter!("tollgate_fleet_refused_total", "policy" => policy()).absolute(self.refused);
        metrics::gauge!("tollgate_fleet_epoch", "policy" => policy()).set(self.epoch as f64);
        metrics::gauge!("tollgate_fleet_revision", "policy" => policy()).set(self.revision as f64);
        metrics::gauge!("tollgate_fleet_away_seconds", "policy" => policy()).set(self.away.as_secs_f64());
    }
}
