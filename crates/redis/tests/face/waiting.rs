//! Waits in turn, and those who leave the line.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tollgate::Limit;
use tollgate_redis::FleetRefused;

use crate::common::{SECOND, join, on_each, until};

#[tokio::test]
async fn waits_are_served_in_the_order_in_which_they_came() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_second(200).capacity(20).empty()]).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for i in 0..30_u64 {
            let (fleet, served) = (fleet.clone(), Arc::clone(&served));
            tasks.push(tokio::spawn(async move {
                fleet.take([1 + i % 7]).await.unwrap();
                served.lock().push(i);
            }));
            // Each comes to the line before the next.
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*served.lock(), (0..30).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn nobody_overtakes_those_who_wait() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_second(10).capacity(100).empty()]).await;
        let waits = tokio::spawn({
            let fleet = fleet.clone();
            async move { fleet.take([5]).await }
        });
        until("it waits", || matches!(fleet.try_take([1]), Err(FleetRefused::NotYet { .. }))).await;
        while !waits.is_finished() {
            // A single token is there long before five are.
            assert!(fleet.try_take([1]).is_err() || waits.is_finished());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        waits.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_leaves_makes_room_at_once_and_owes_nothing() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_second(500).capacity(50)]).await;
        let mut tasks = Vec::new();
        for i in 0..400_u64 {
            let fleet = fleet.clone();
            tasks.push(tokio::spawn(async move { fleet.take([1 + i % 3]).await.map(|()| 1 + i % 3) }));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        // Half of the callers hang up.
        for task in tasks.iter().skip(1).step_by(2) {
            task.abort();
        }
        let mut used = 0;
        for task in tasks {
            used += task.await.map_or(0, |served| served.unwrap());
        }
        let figures = fleet.figures();
        // One that was served in the instant in which it hung up has taken.
        assert!(figures.used[0] as u64 >= used && figures.used[0] as u64 <= used + 6, "{used}: {figures:?}");
        assert_eq!(fleet.debt(), [0]);
        // The line is empty: nobody stands before this one.
        fleet.take_timeout([1], SECOND).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_wait_ends_by_its_deadline() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_minute(1).empty()]).await;
        let timeout = Duration::from_millis(200);
        let refused = fleet.take_timeout([1], timeout).await.unwrap_err();
        let FleetRefused::NotYet { wait, .. } = refused else { panic!("{refused:?}") };
        assert!(wait > timeout, "{wait:?}");
        assert_eq!(fleet.figures().used, [0]);
    })
    .await;
}

#[tokio::test]
async fn closing_ends_all_waits() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_minute(1).empty()]).await;
        let waits: Vec<_> = (0..5)
            .map(|_| {
                let fleet = fleet.clone();
                tokio::spawn(async move { fleet.take([1]).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        fleet.close().await;
        for wait in waits {
            assert_eq!(wait.await.unwrap(), Err(FleetRefused::Closed));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_put_back_serves_the_first_of_the_line() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(10)]).await;
        fleet.take_timeout([10], SECOND).await.unwrap();
        let waits = tokio::spawn({
            let fleet = fleet.clone();
            async move { fleet.take([10]).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        fleet.put_back([10]);
        tokio::time::timeout(10 * SECOND, waits).await.unwrap().unwrap().unwrap();
    })
    .await;
}
