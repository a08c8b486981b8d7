//! What is built from a configuration, and what a reload does to it.

#![cfg(feature = "config")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::keyed::IpKey;
use tollgate::limit::LimitRule;
use tollgate::{Clock, KeyedBuckets, Limit, MultiBucket};
use tollgate_http::config::{Change, Config, FitRule, KeyKind, Live};

type Manual = Arc<ManualClock>;
type Tier = fn(&str) -> usize;

fn config(text: &str) -> Config {
    Config::new(toml::Deserializer::new(text)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn live(text: &str) -> Live<Manual> {
    Live::with_clock(config(text), Manual::default())
}

fn tier(key: &str) -> usize {
    usize::from(key.starts_with("paid:"))
}

const WHOLE: &str = "
    proxies = { header = 'forwarded', trusted = ['10.0.0.0/8'] }
    [limits.client]
    key = 'client-ip'
    max_keys = 1000
    streams = { requests = '10/s', bytes = '1000/s' }
    [limits.user]
    key = 'header:x-user'
    max_keys = 100
    streams.requests = '10/s'
    tiers.paid.requests = '50/s'
    [limits.service]
    streams.requests = '100/s'
";

/// All that a program may build of the whole configuration.
struct Program {
    live: Live<Manual>,
    clients: Arc<KeyedBuckets<IpKey, 2, Manual>>,
    users: Arc<KeyedBuckets<String, 1, Manual, tollgate::keyed::KeyHash, tollgate::keyed::ByTier<Tier>>>,
    all: Arc<MultiBucket<1, Manual>>,
}

impl Program {
    fn new() -> Self {
        let live = live(WHOLE);
        let clients = live.keyed("client", ["requests", "bytes"]).unwrap();
        let users = live.keyed_with_tiers("user", ["requests"], ["paid"], tier as Tier).unwrap();
        let all = live.bucket("service", ["requests"]).unwrap();
        Self { live, clients, users, all }
    }

    fn client() -> IpKey {
        IpKey::new("192.0.2.7".parse().unwrap())
    }

    /// All limits, levels and debts, as text.
    fn state(&self) -> String {
        let Self { live, clients, users, all } = self;
        let key = Self::client();
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            (clients.limits(), clients.available(&key), clients.debt(&key)),
            (users.tier_limits(0), users.available("alice"), users.debt("alice")),
            (users.tier_limits(1), users.available("paid:bob"), users.debt("paid:bob")),
            (all.limits(), all.available(), all.debt(), all.snapshot().sequence()),
            live.proxies(),
            live.config(),
            live.policies("client"),
            live.policies("user"),
            live.policies("service"),
            clients.max_keys(),
            users.max_keys(),
        )
    }
}

#[test]
fn a_bucket_is_built_once_and_shared() {
    let Program { live, clients, users, all } = Program::new();
    assert!(Arc::ptr_eq(&clients, &live.keyed("client", ["requests", "bytes"]).unwrap()));
    assert!(Arc::ptr_eq(&users, &live.keyed_with_tiers("user", ["requests"], ["paid"], tier as Tier).unwrap()));
    assert!(Arc::ptr_eq(&all, &live.bucket("service", ["requests"]).unwrap()));
    assert_eq!(clients.limits(), [Limit::per_second(10), Limit::per_second(1000)]);
    assert_eq!((clients.max_keys(), users.max_keys()), (1000, 100));
    assert_eq!((users.available("alice"), users.available("paid:bob")), (10, 50));
    let one = live.keyed_with("client", ["requests", "bytes"], [], |_: KeyedBuckets<IpKey, 2, Manual>, []| panic!());
    assert!(Arc::ptr_eq(&clients, &one.unwrap()));
}

#[test]
fn threads_that_build_at_once_share_one_bucket() {
    let live = live(WHOLE);
    let build = || live.bucket("service", ["requests"]).unwrap();
    let built = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(build)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(built.iter().all(|bucket| Arc::ptr_eq(bucket, &built[0])));
}

#[test]
fn what_does_not_fit_the_program_is_not_built() {
    let live = live(WHOLE);
    let bucket = |name: &str, stream: &str| live.bucket(name, [stream]).unwrap_err().to_string();
    let client = "limits.client";
    assert_eq!(
        bucket("services", "requests"),
        "limits.services: the program uses this limit, and the configuration does not have it"
    );
    assert_eq!(
        bucket("service", "request"),
        "limits.service.streams.request: the program uses this stream, and the configuration does not have it"
    );
    assert_eq!(
        bucket("client", "requests"),
        "limits.client.key: the program keeps one bucket for all, and the limit has a key"
    );
    assert_eq!(
        live.bucket("service", ["requests", "requests"]).unwrap_err().to_string(),
        "limits.service.streams.requests: the program names it twice"
    );
    assert_eq!(
        live.keyed::<IpKey, 1>("service", ["requests"]).unwrap_err().to_string(),
        "limits.service: the program keeps a bucket for each key, and the limit has no key"
    );
    assert_eq!(
        live.keyed::<IpKey, 1>("client", ["requests"]).unwrap_err().to_string(),
        format!("{client}.streams.bytes: the program does not use this stream")
    );
    assert_eq!(
        live.keyed::<String, 1>("user", ["requests"]).unwrap_err().to_string(),
        "limits.user.tiers.paid: the program does not use this tier"
    );
    let tiers = |tiers| live.keyed_with_tiers::<String, 1, 2, _>("user", ["requests"], tiers, tier as Tier);
    assert_eq!(
        tiers(["paid", "gold"]).unwrap_err().to_string(),
        "limits.user.tiers.gold: the program uses this tier, and the configuration does not have it"
    );
    assert_eq!(tiers(["paid", "paid"]).unwrap_err().to_string(), "limits.user.tiers.paid: the program names it twice");
    let made =
        live.keyed_with("user", ["requests"], ["paid"], |buckets: KeyedBuckets<String, 1, Manual>, _| Ok(buckets));
    assert_eq!(made.unwrap_err().rule, FitRule::OtherTiers { made: 1, named: 2 });
    assert_eq!(
        FitRule::OtherTiers { made: 1, named: 2 }.to_string(),
        "the program made 1 tiers and named 2, the limit itself included"
    );
    // None of these was remembered.
    assert!(live.policies("user").is_none() && live.policies("client").is_none());
    assert!(live.bucket("service", ["requests"]).is_ok());
}

#[test]
fn a_limit_that_was_built_is_not_built_otherwise() {
    let Program { live, .. } = Program::new();
    let rule = "the program built it before, as another type or with other streams or tiers";
    let other_order = live.keyed::<IpKey, 2>("client", ["bytes", "requests"]).unwrap_err();
    assert_eq!(other_order.to_string(), format!("limits.client: {rule}"));
    let other_key = live.keyed::<String, 2>("client", ["requests", "bytes"]).unwrap_err();
    assert_eq!(other_key.rule, FitRule::BuiltOtherwise);
    let other_tiers = live.keyed_with_tiers::<String, 1, 1, _>("user", ["requests"], ["paid"], |_: &str| 0);
    assert_eq!(other_tiers.unwrap_err().rule, FitRule::BuiltOtherwise);
}

#[test]
fn a_panic_of_the_program_while_it_builds_leaves_nothing_behind() {
    let live = live(WHOLE);
    let make = || live.bucket_with("service", ["requests"], |_| panic!("of the program"));
    assert!(catch_unwind(AssertUnwindSafe(make)).is_err());
    let all = live.bucket("service", ["requests"]).unwrap();
    let _ = live.reload(config(&WHOLE.replace("100/s", "7/s"))).unwrap();
    assert_eq!(all.available(), [7]);
}

#[test]
fn policies_are_in_the_order_of_the_bucket_and_follow_a_reload() {
    let Program { live, .. } = Program::new();
    let names = |name: &str| live.policies(name).unwrap();
    let (requests, bytes) = ("client-requests".to_string(), "client-bytes".to_string());
    assert_eq!(names("client"), [(requests, Limit::per_second(10)), (bytes, Limit::per_second(1000))]);
    assert_eq!(names("service"), [("service".to_string(), Limit::per_second(100))]);
    let _ = live.reload(config(&WHOLE.replace("100/s", "7/s"))).unwrap();
    assert_eq!(names("service"), [("service".to_string(), Limit::per_second(7))]);
    assert_eq!((live.policies("services"), live.key("service")), (None, None));
    assert_eq!(live.key("client"), Some(KeyKind::ClientIp { prefix: 64 }));
}

#[test]
fn a_reload_changes_all_that_differs_and_says_what() {
    let program = Program::new();
    let text = WHOLE
        .replace("bytes = '1000/s'", "bytes = '2000/s'")
        .replace("paid.requests = '50/s'", "paid.requests = '60/s'")
        .replace("'100/s'", "'70/s capacity 7'")
        .replace("forwarded", "x-forwarded-for");
    let changes = program.live.reload(config(&text)).unwrap();
    assert_eq!(
        changes.to_string(),
        "limits.client.streams.bytes: 1000/s capacity 1000 became 2000/s capacity 2000\n\
         limits.service.streams.requests: 100/s capacity 100 became 70/s capacity 7\n\
         limits.user.tiers.paid.requests: 50/s capacity 50 became 60/s capacity 60\n\
         proxies: other proxies are trusted"
    );
    assert_eq!(program.clients.limits(), [Limit::per_second(10), Limit::per_second(2000)]);
    assert_eq!(program.users.tier_limits(0), Limit::per_second(10));
    assert_eq!(program.users.tier_limits(1), Limit::per_second(60));
    assert_eq!(program.all.limits(), [Limit::per_second(70).capacity(7)]);
    assert_eq!((program.live.config(), &*program.live.proxies()), (config(&text), config(&text).proxies()));
    let state = program.state();
    let changes = program.live.reload(config(&text)).unwrap();
    assert!(changes.is_empty() && changes.to_string().is_empty());
    assert_eq!(program.state(), state);
}

#[test]
fn levels_and_debts_survive_a_reload() {
    let Program { live, clients, users, all } = Program::new();
    let client = Program::client();
    clients.try_take(&client, [4, 1000]).unwrap();
    users.charge("paid:bob", 80).unwrap();
    all.try_take([100]).unwrap();
    live.clock().advance(Duration::from_millis(100)); // 1 and 100; 5; 10
    let text = WHOLE.replace("'10/s'", "'20/s'").replace("'1000/s'", "'50/s'").replace("'50/s'\n", "'10/s'\n");
    let _ = live.reload(config(&text.replace("'100/s'", "'1000/s'"))).unwrap();
    assert_eq!(clients.available(&client), [7, 50]);
    assert_eq!((users.debt("paid:bob"), users.tier_limits(1)), (25, Limit::per_second(10)));
    assert_eq!(all.available(), [10]);
    live.clock().advance(Duration::from_millis(100)); // 2 and 0; 1; 100
    assert_eq!(clients.available(&client), [9, 50]);
    assert_eq!((users.debt("paid:bob"), all.available()), (24, [110]));
}

#[test]
fn a_limit_that_was_changed_by_hand_has_that_of_the_configuration_again() {
    let Program { live, users, all, .. } = Program::new();
    all.set_limit(Limit::per_second(3)).unwrap();
    users.set_limits(Limit::per_second(3)).unwrap();
    assert_eq!(live.reload(config(WHOLE)).unwrap().limits.len(), 3);
    assert_eq!(all.limit(), Limit::per_second(100));
    assert_eq!((users.tier_limits(0), users.tier_limits(1)), (Limit::per_second(10), Limit::per_second(50)));
}

#[test]
fn a_limit_that_is_not_built_yet_is_built_as_the_last_reload_says() {
    let live = live(WHOLE);
    let text = WHOLE.replace("1000\n", "7\n").replace("client-ip", "custom").replace(", bytes = '1000/s'", "");
    assert!(live.reload(config(&text)).unwrap().is_empty());
    let clients = live.keyed::<u64, 1>("client", ["requests"]).unwrap();
    assert_eq!((clients.max_keys(), live.key("client")), (7, Some(KeyKind::Custom)));
    // Limits that the program does not build may come and go.
    let text = format!("{text}\n[limits.more]\nstreams.a = '1/s'").replace("[limits.user]", "[limits.users]");
    let _ = live.reload(config(&text.replace("[limits.service]", "[limits.services]"))).unwrap();
}

#[test]
fn a_reload_that_is_refused_changes_nothing() {
    let gone = "and the configuration does not have it";
    let (client, user) = ("limits.client", "limits.user");
    // Each of them also has good changes, before and after the bad one.
    let good =
        |text: &str| text.replace("'10/s'", "'20/s'").replace("'100/s'", "'200/s'").replace("10.0.0.0", "11.0.0.0");
    for (from, to, says) in [
        ("[limits.client]", "[limits.clients]", format!("{client}: the program uses this limit, {gone}")),
        ("[limits.service]", "[limits.services]", format!("limits.service: the program uses this limit, {gone}")),
        ("bytes =", "byte =", format!("{client}.streams.bytes: the program uses this stream, {gone}")),
        (", bytes = '1000/s'", "", format!("{client}.streams.bytes: the program uses this stream, {gone}")),
        ("bytes =", "more = '5/s', bytes =", format!("{client}.streams.more: the program does not use this stream")),
        ("tiers.paid.requests", "tiers.pay.requests", format!("{user}.tiers.paid: the program uses this tier, {gone}")),
        ("tiers.paid", "tiers.gold = {}\ntiers.paid", format!("{user}.tiers.gold: the program does not use this tier")),
        (
            "streams.requests = '100/s'",
            "key = 'custom'\nmax_keys = 7\nstreams.requests = '100/s'",
            "limits.service.key: the program keeps one bucket for all, and the limit has a key".into(),
        ),
        (
            "key = 'client-ip'\n    max_keys = 1000",
            "",
            format!("{client}: the program keeps a bucket for each key, and the limit has no key"),
        ),
        (
            "'client-ip'",
            "'client-ip/56'",
            format!("{client}.key: key client-ip cannot become client-ip/56 while the program runs"),
        ),
        (
            "max_keys = 100\n",
            "max_keys = 200\n",
            format!("{user}.max_keys: max_keys 100 cannot become 200 while the program runs"),
        ),
    ] {
        let program = Program::new();
        program.users.charge("paid:bob", 80).unwrap();
        program.all.try_take([30]).unwrap();
        let before = program.state();
        assert!(WHOLE.contains(from), "{from}");
        let error = program.live.reload(config(&good(&WHOLE.replace(from, to)))).unwrap_err();
        assert_eq!(error.to_string(), says);
        assert_eq!(program.state(), before, "{says}");
        assert_eq!(program.live.reload(config(&good(WHOLE))).unwrap().limits.len(), 3, "{says}");
    }
}

#[test]
fn a_reload_that_cannot_hold_a_debt_changes_nothing() {
    for (place, owe) in [
        (
            "limits.client.streams.bytes",
            Box::new(|of: &Program| {
                of.clients.charge(&Program::client(), [0, 1_000_000_000]).unwrap();
            }) as Box<dyn Fn(&Program)>,
        ),
        ("limits.user.tiers.paid.requests", Box::new(|of| of.users.charge("paid:bob", 1_000_000_000).unwrap())),
        ("limits.user.streams.requests", Box::new(|of| of.users.charge("alice", 1_000_000_000).unwrap())),
        ("limits.service.streams.requests", Box::new(|of| of.all.charge([1_000_000_000]).unwrap())),
    ] {
        let program = Program::new();
        owe(&program);
        let before = program.state();
        let text = WHOLE.replace("/s'", "/d'").replace("10.0.0.0", "11.0.0.0");
        let error = program.live.reload(config(&text)).unwrap_err();
        assert_eq!(error.place, place);
        assert!(matches!(error.rule, FitRule::Limit { rule: LimitRule::DebtTooLarge { .. }, .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("{place}: limit ")), "{error}");
        assert_eq!(program.state(), before, "{place}");
    }
}

#[test]
fn concurrent_reloads_come_one_after_the_other_and_whole() {
    const THREADS: u64 = 3;
    let Program { live, clients, users, all } = Program::new();
    let of = |n: u64| config(&WHOLE.replace("'10/s'", &format!("'{n}/s'")).replace("'100/s'", &format!("'{n}/s'")));
    let _ = live.reload(of(1)).unwrap();
    let (barrier, torn) = (Barrier::new(THREADS as usize), Mutex::new(Vec::new()));
    let reload = &|thread: u64| {
        for round in 0..100 {
            let to = 2 + thread + THREADS * round;
            let next = of(to);
            barrier.wait();
            let changes = live.reload(next).unwrap().limits;
            // Each sees what another left, and that in all buckets.
            let whole = |change: &Change| (change.from, change.to) == (changes[0].from, Limit::per_second(to));
            if changes.len() != 3 || !changes.iter().all(whole) {
                torn.lock().unwrap().push(format!("{changes:?}"));
            }
            barrier.wait();
            let (limit, config) = (all.limit(), live.config());
            let limits =
                (clients.limits()[0], users.tier_limits(0), config.limit("service").unwrap().stream("requests"));
            if limits != (limit, limit, Some(limit)) {
                torn.lock().unwrap().push(format!("{limits:?}, {limit}"));
            }
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|thread| drop(scope.spawn(move || reload(thread)))));
    // Not before: a thread that panics would leave the others at the barrier.
    let torn = torn.into_inner().unwrap();
    assert!(torn.is_empty(), "{} are torn, first {}", torn.len(), torn[0]);
}

/// Threads take all that they can get while limits go between 10/s with a capacity of 10, and 40/s
/// with one of 25. Between any two moments they get no more than the larger limit allows.
#[test]
fn windows_across_reloads_are_within_the_larger_limit() {
    const TAKERS: u64 = 3;
    const STEPS: u64 = 300;
    let small = WHOLE.replace("'100/s'", "'10/s'");
    let large = small.replace("'10/s'", "'40/s capacity 25'");
    let live = live(&small);
    let clients = live.keyed::<IpKey, 2>("client", ["requests", "bytes"]).unwrap();
    let all = live.bucket("service", ["requests"]).unwrap();
    let (client, clock) = (Program::client(), live.clock());
    let (of_client, of_all, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let tries = AtomicU64::new(0);
    let mut seen = Vec::new();
    thread::scope(|scope| {
        for _ in 0..TAKERS {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    of_client.fetch_add(u64::from(clients.try_take(&client, [1, 1]).is_ok()), SeqCst);
                    of_all.fetch_add(u64::from(all.try_take([1]).is_ok()), SeqCst);
                    tries.fetch_add(1, SeqCst);
                    thread::yield_now();
                }
            });
        }
        for step in 0..STEPS {
            seen.push((clock.now().as_nanos(), of_client.load(SeqCst), of_all.load(SeqCst)));
            clock.advance(Duration::from_millis(step % 7 * 20));
            let before = tries.load(SeqCst);
            while tries.load(SeqCst) < before + 40 {
                thread::yield_now();
            }
            let _ = live.reload(config(if step % 3 == 0 { &large } else { &small })).unwrap();
        }
        done.store(true, SeqCst);
    });
    for (i, from) in seen.iter().enumerate() {
        for to in &seen[i..] {
            // What was granted before the first look may be counted after it.
            let most = 25 + (40 * (to.0 - from.0)).div_ceil(1_000_000_000) + TAKERS;
            assert!(to.1 - from.1 <= most && to.2 - from.2 <= most, "{from:?} {to:?}: {most}");
        }
    }
    let last = seen[seen.len() - 1];
    // The takers tried so often in each step that they took all that the smaller limit brought.
    let least = 10 * (last.0 / 1_000_000_000);
    assert!(last.1 >= least && last.2 >= least, "{last:?}: {least}");
}

/// One step of a random history: how much time passes, and what is done then.
#[derive(Clone, Debug)]
enum Step {
    Take(u64, u64),
    Charge(u64, u64),
    Reload([u64; 3]),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        (0..6_u64, 0..40_u64).prop_map(|(key, amount)| Step::Take(key, amount)),
        (0..6_u64, 0..90_u64).prop_map(|(key, amount)| Step::Charge(key, amount)),
        [1..50_u64, 1..50_u64, 1..50_u64].prop_map(Step::Reload),
    ];
    prop::collection::vec((0..200_u64, step), 0..40)
}

proptest! {
    /// Against buckets whose limits are set by hand.
    #[test]
    fn a_reload_does_to_each_bucket_what_set_limits_does(steps in steps()) {
        let text = |[free, paid, all]: [u64; 3]| config(&format!("
            [limits.user]
            key = 'custom'
            max_keys = 100
            streams.requests = '{free}/s'
            tiers.paid.requests = '{paid}/s capacity 30'
            [limits.service]
            streams.requests = '{all}/s'
        "));
        let limits = |[free, paid, all]: [u64; 3]| {
            (Limit::per_second(free), Limit::per_second(paid).capacity(30), Limit::per_second(all))
        };
        let tier = |key: &u64| usize::from(*key >= 3);
        let (clock, first) = (Manual::default(), [10, 20, 30]);
        let live = Live::with_clock(text(first), clock.clone());
        let users = live.keyed_with_tiers::<u64, 1, 1, _>("user", ["requests"], ["paid"], tier).unwrap();
        let all = live.bucket("service", ["requests"]).unwrap();
        let (free, paid, service) = limits(first);
        let plain = KeyedBuckets::<u64, 1, _>::with_clock(free, 100, clock.clone()).unwrap();
        let plain = plain.with_tiers([paid], tier).unwrap();
        let one = MultiBucket::with_clock([service], clock.clone()).unwrap();
        for (millis, step) in steps {
            clock.advance(Duration::from_millis(millis));
            match step {
                Step::Take(key, n) => {
                    prop_assert_eq!(users.try_take(&key, n).is_ok(), plain.try_take(&key, n).is_ok());
                    prop_assert_eq!(all.try_take([n]).is_ok(), one.try_take([n]).is_ok());
                }
                Step::Charge(key, n) => {
                    prop_assert_eq!(users.charge(&key, n).is_ok(), plain.charge(&key, n).is_ok());
                    prop_assert_eq!(all.charge([n]).is_ok(), one.charge([n]).is_ok());
                }
                Step::Reload(rates) => {
                    let _ = live.reload(text(rates)).unwrap();
                    let (free, paid, service) = limits(rates);
                    // A limit that stays is not set, so nothing is rounded.
                    if plain.limits() != free {
                        plain.set_tier_limits(0, free).unwrap();
                    }
                    if plain.tier_limits(1) != paid {
                        plain.set_tier_limits(1, paid).unwrap();
                    }
                    if one.limit() != service {
                        one.set_limit(service).unwrap();
                    }
                }
            }
            for key in 0..6 {
                let (is, plain) = (users.snapshot(&key), plain.snapshot(&key));
                prop_assert_eq!((is.available(), is.debt()), (plain.available(), plain.debt()), "key {}", key);
            }
            prop_assert_eq!((all.available(), all.debt()), (one.available(), one.debt()));
        }
    }
}

#[test]
fn it_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Live>();
    shared::<Live<Manual>>();
    shared::<Config>();
    let Program { live, .. } = Program::new();
    assert_eq!(format!("{live:?}"), r#"Live { built: ["client", "service", "user"], .. }"#);
}
