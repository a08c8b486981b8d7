//! What is reported to a recorder of metrics.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tollgate::Limit;

use crate::common::{SECOND, join, on_each};

#[tokio::test]
async fn figures_are_reported_under_their_names() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(10), Limit::per_day(100)]).await;
        fleet.take_timeout([3, 40], SECOND).await.unwrap();
        assert!(fleet.try_take([11, 0]).is_err());
        let (figures, recorder) = (fleet.figures(), DebuggingRecorder::new());
        metrics::with_local_recorder(&recorder, || figures.report("orders"));
        let mut seen: Vec<String> = Vec::new();
        for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
            let labels: Vec<_> = key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(level) => level.into_inner(),
                DebugValue::Histogram(_) => panic!("{key:?}"),
            };
            seen.push(format!("{}{{{}}} {value}", key.key().name(), labels.join(",")));
        }
        let figure = |line: String| assert!(seen.contains(&line), "{line}: {seen:#?}");
        for (stream, used) in [(0, 3), (1, 40)] {
            let labels = format!("policy=orders,stream={stream}");
            figure(format!("tollgate_fleet_tokens_total{{{labels},state=used}} {used}"));
            figure(format!("tollgate_fleet_tokens_total{{{labels},state=granted}} {}", figures.granted[stream]));
            figure(format!("tollgate_fleet_tokens_total{{{labels},state=returned}} {}", figures.returned[stream]));
            figure(format!("tollgate_fleet_tokens_total{{{labels},state=lost}} 0"));
            figure(format!("tollgate_fleet_held_tokens{{{labels}}} {}", figures.held[stream]));
        }
        figure(format!("tollgate_fleet_trips_total{{policy=orders}} {}", figures.trips));
        figure("tollgate_fleet_refused_total{policy=orders} 1".into());
        figure(format!("tollgate_fleet_epoch{{policy=orders}} {}", figures.epoch));
        figure("tollgate_fleet_revision{policy=orders} 1".into());
        figure("tollgate_fleet_away_seconds{policy=orders} 0".into());
        assert_eq!(seen.len(), 15, "{seen:#?}");
    })
    .await;
}
