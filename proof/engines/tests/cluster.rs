//! What the harness promises of a cluster, on both engines.

use engines::{Cluster, Kind};

#[test]
fn a_killed_master_is_replaced_by_its_replica_and_takes_over_again() -> engines::Outcome<()> {
    for kind in Kind::ALL {
        let mut cluster = Cluster::start(kind, "{key}")?;
        assert_eq!(cluster.urls().len(), 4);
        let (first, second) = (cluster.master().port(), cluster.replica().port());
        cluster.master().cli(&["set", "{key}", "1"])?;
        cluster.replica().catch_up_with(cluster.master())?;
        cluster.kill_master()?;
        cluster.wait_for_fail_over()?;
        assert_eq!(cluster.master().port(), second, "{kind}");
        assert_eq!(cluster.master().cli(&["get", "{key}"])?, "1", "{kind}");
        cluster.restart_killed()?;
        cluster.fail_over()?;
        assert_eq!((cluster.master().port(), cluster.replica().port()), (first, second), "{kind}");
        assert_eq!(cluster.master().cli(&["get", "{key}"])?, "1", "{kind}");
    }
    Ok(())
}
