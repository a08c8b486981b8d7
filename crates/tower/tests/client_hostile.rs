//! What servers that are absurd, or change their mind, do to a client. On tokio's paused time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use http::{Request, Response};
use tokio::time::{Instant, sleep, timeout};
use tollgate::clock::TokioClock;
use tollgate::{Limit, MultiBucket};
use tollgate_tower::{ThrottleError, ThrottleLayer, ThrottleObserver};
use tower::{Layer, Service, service_fn};

type Fields = Vec<(&'static str, String)>;

fn answer(status: u16, fields: &Fields) -> Response<()> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, value);
    }
    response.body(()).unwrap()
}

/// A number that no server should say.
fn number(rng: &mut Rng) -> String {
    const ODD: [&str; 12] =
        ["0", "1", "2", "100", "-1", "999999999999999", "NaN", "inf", "1e9", "", "0.5", "18446744073709551616"];
    if rng.bool() { rng.u32(0..200).to_string() } else { ODD[rng.usize(0..ODD.len())].to_owned() }
}

fn absurd(rng: &mut Rng) -> (u16, Fields) {
    let mut fields = Fields::new();
    let mut n = || number(rng);
    let (q, w, r, t) = (n(), n(), n(), n());
    let (a, b, c) = (n(), n(), n());
    let name = ["x".to_owned(), "y".to_owned(), rng.u32(..).to_string()][rng.usize(0..3)].clone();
    match rng.u8(0..6) {
        0 => {
            fields.push(("ratelimit-policy", format!("\"{name}\";q={q};w={w};tollgate-burst={a}")));
            fields.push(("ratelimit", format!("\"{name}\";r={r};t={t}")));
        }
        1 => fields.push(("ratelimit", format!("limit={q}, remaining={r}, reset={t}"))),
        2 => {
            fields.push(("ratelimit-limit", format!("{q}, {q};w={w}")));
            fields.push(("ratelimit-remaining", r));
            fields.push(("ratelimit-reset", t));
        }
        3 | 4 => {
            fields.push(("x-ratelimit-limit", q));
            fields.push(("x-ratelimit-remaining", r));
            fields.push((
                "x-ratelimit-reset",
                if rng.bool() { t } else { (1_700_000_000 + rng.u64(0..4_000_000_000)).to_string() },
            ));
        }
        _ => {}
    }
    match rng.u8(0..8) {
        0 => fields.push(("retry-after", b)),
        1 => fields.push(("retry-after", "Tue, 15 Nov 1994 08:12:31 GMT".to_owned())),
        2 => fields.push(("retry-after", "Tue, 15 Nov 2294 08:12:31 GMT".to_owned())),
        3 => fields.push(("age", c)),
        4 => fields.push(("date", "Tue, 15 Nov 1994 08:12:31 GMT".to_owned())),
        _ => {}
    }
    ([200, 200, 429, 503, 403, 500][rng.usize(0..6)], fields)
}

/// No panic, no wait beyond the cap, the own limit in each window, and an end of it all.
#[test]
fn absurd_servers_neither_break_nor_stop_a_client() {
    let runs: u64 = std::env::var("RUNS").map_or(30, |runs| runs.parse().unwrap());
    for seed in 0..runs {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(absurd_run(seed));
    }
}

async fn absurd_run(seed: u64) {
    const CAP: Duration = Duration::from_secs(20);
    let rng = Arc::new(Mutex::new(Rng::with_seed(seed)));
    let sent = Arc::new(Mutex::new(Vec::new()));
    let normal = Arc::new(Mutex::new(false));
    let origin = Instant::now();
    let inner = {
        let (rng, sent, normal) = (Arc::clone(&rng), Arc::clone(&sent), Arc::clone(&normal));
        service_fn(move |_: Request<()>| {
            let (rng, sent, normal) = (Arc::clone(&rng), Arc::clone(&sent), Arc::clone(&normal));
            async move {
                sent.lock().unwrap().push(origin.elapsed());
                let (took, fails) = {
                    let mut rng = rng.lock().unwrap();
                    (rng.u64(0..100), rng.u8(0..20) == 0)
                };
                sleep(Duration::from_millis(took)).await;
                if *normal.lock().unwrap() {
                    return Ok(Response::new(()));
                }
                let (status, fields) = absurd(&mut rng.lock().unwrap());
                if fails { Err("no connection") } else { Ok(answer(status, &fields)) }
            }
        })
    };
    let own = Arc::new(MultiBucket::with_clock([Limit::per_second(10).capacity(5)], TokioClock::new()).unwrap());
    let layer = ThrottleLayer::new(Arc::clone(&own)).max_pause(CAP);
    let mut client = layer.layer(inner);
    for _ in 0..200 {
        let began = Instant::now();
        let _ = client.call(Request::new(())).await;
        let took = began.elapsed();
        // A pause, and a turn.
        assert!(took <= 2 * CAP + Duration::from_secs(1), "seed {seed}: {took:?}");
    }
    *normal.lock().unwrap() = true;
    let began = Instant::now();
    let mut slow = 0;
    while began.elapsed() < 2 * CAP + Duration::from_secs(70) {
        client.call(Request::new(())).await.unwrap();
    }
    for _ in 0..50 {
        let began = Instant::now();
        client.call(Request::new(())).await.unwrap();
        slow += u32::from(began.elapsed() > Duration::from_millis(300));
    }
    assert_eq!(slow, 0, "seed {seed}: after the server became normal");
    let sent = sent.lock().unwrap();
    for (first, from) in sent.iter().enumerate() {
        for (count, to) in sent[first..].iter().enumerate() {
            let most = 5.0 + 10.0 * (*to - *from).as_secs_f64();
            assert!((count + 1) as f64 <= most + 1.0 + 1e-6, "seed {seed}: {from:?} {to:?} {count}");
            if count > 100 {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_of_a_cache_is_sent_again_only_as_often_as_allowed() {
    let asked = Arc::new(Mutex::new(0));
    let inner = {
        let asked = Arc::clone(&asked);
        service_fn(move |_: Request<()>| {
            *asked.lock().unwrap() += 1;
            async {
                sleep(Duration::from_millis(10)).await;
                Ok::<_, Infallible>(answer(429, &vec![("age", "3".to_owned())]))
            }
        })
    };
    let mut client = ThrottleLayer::obedient().retries(2).layer(inner);
    let response = timeout(Duration::from_secs(60), client.call(Request::new(()))).await;
    assert_eq!(*asked.lock().unwrap(), 3);
    assert_eq!(response.unwrap().unwrap().status(), 429);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_a_server_names_no_more_is_forgotten() {
    let answers = Arc::new(Mutex::new(vec![
        ("ratelimit-policy", r#""year";q=1000;w=31536000"#.to_owned()),
        ("ratelimit", r#""year";r=0;t=9999999"#.to_owned()),
    ]));
    let inner = service_fn(move |_: Request<()>| {
        let fields = std::mem::take(&mut *answers.lock().unwrap());
        async move { Ok::<_, Infallible>(answer(200, &fields)) }
    });
    let mut client = ThrottleLayer::obedient().max_pause(Duration::from_secs(20)).layer(inner);
    client.call(Request::new(())).await.unwrap();
    let began = Instant::now();
    for _ in 0..100 {
        client.call(Request::new(())).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asked_seldom_is_hardly_refused_when_it_asks_often() {
    // 10/s, a burst of 20, which says what is left and when it is full.
    let bucket = Arc::new(MultiBucket::with_clock([Limit::per_second(10).capacity(20)], TokioClock::new()).unwrap());
    let counts = Arc::new(Mutex::new((0, 0)));
    let inner = {
        let counts = Arc::clone(&counts);
        service_fn(move |_: Request<()>| {
            let (bucket, counts) = (Arc::clone(&bucket), Arc::clone(&counts));
            async move {
                sleep(Duration::from_millis(5)).await;
                let refused = bucket.try_take([1]).is_err();
                let left = bucket.available()[0];
                let mut fields = vec![
                    ("x-ratelimit-limit", "20".to_owned()),
                    ("x-ratelimit-remaining", left.to_string()),
                    ("x-ratelimit-reset", (20 - left).div_ceil(10).to_string()),
                ];
                if refused {
                    fields.push(("retry-after", "1".to_owned()));
                }
                {
                    let counts = &mut *counts.lock().unwrap();
                    *if refused { &mut counts.1 } else { &mut counts.0 } += 1;
                }
                sleep(Duration::from_millis(5)).await;
                Ok::<_, Infallible>(answer(if refused { 429 } else { 200 }, &fields))
            }
        })
    };
    let client = ThrottleLayer::obedient().layer(inner);
    for _ in 0..2400 {
        client.clone().call(Request::new(())).await.unwrap();
        sleep(Duration::from_millis(500)).await;
    }
    *counts.lock().unwrap() = (0, 0);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move {
                loop {
                    client.call(Request::new(())).await.unwrap();
                }
            })
        })
        .collect();
    sleep(Duration::from_secs(60)).await;
    tasks.iter().for_each(|task| task.abort());
    let (granted, refused) = *counts.lock().unwrap();
    assert!(granted >= 560 && refused <= 12, "{granted} granted, {refused} refused");
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_lesser_burst_than_it_says_gets_no_bursts_after_refusals() {
    // It says that it refills 100 in a second, and holds 5.
    let bucket = Arc::new(MultiBucket::with_clock([Limit::per_second(100).capacity(5)], TokioClock::new()).unwrap());
    let counts = Arc::new(Mutex::new((0, 0)));
    let inner = {
        let counts = Arc::clone(&counts);
        service_fn(move |_: Request<()>| {
            let is_refused = bucket.try_take([1]).is_err();
            {
                let counts = &mut *counts.lock().unwrap();
                *if is_refused { &mut counts.1 } else { &mut counts.0 } += 1;
            }
            async move {
                sleep(Duration::from_millis(10)).await;
                let policy = ("ratelimit-policy", r#""x";q=100;w=1"#.to_owned());
                let fields = vec![policy, ("ratelimit", r#""x";r=99;t=1"#.to_owned())];
                Ok::<_, Infallible>(answer(if is_refused { 429 } else { 200 }, &fields))
            }
        })
    };
    let client = ThrottleLayer::obedient().layer(inner);
    for _ in 0..60 {
        let tasks: Vec<_> = (0..30).map(|_| tokio::spawn(client.clone().call(Request::new(())))).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        sleep(Duration::from_secs(1)).await;
    }
    let (granted, refused) = *counts.lock().unwrap();
    assert!(granted >= 1740 && refused <= 60, "{granted} granted, {refused} refused");
}

#[tokio::test(start_paused = true)]
async fn responses_that_overtake_one_another_in_a_burst_lead_to_no_refusal() {
    for seed in 0..3 {
        let bucket = MultiBucket::with_clock([Limit::per_second(100)], TokioClock::new()).unwrap();
        let server = Arc::new((bucket, Mutex::new((Rng::with_seed(seed), 0))));
        let inner = {
            let server = Arc::clone(&server);
            service_fn(move |_: Request<()>| {
                let server = Arc::clone(&server);
                async move {
                    let (bucket, state) = &*server;
                    let (there, back) = {
                        let rng = &mut state.lock().unwrap().0;
                        (rng.u64(0..50), rng.u64(0..10))
                    };
                    sleep(Duration::from_millis(there)).await;
                    let is_refused = bucket.try_take([1]).is_err();
                    let left = ("ratelimit", format!(r#""x";r={};t=1"#, bucket.available()[0]));
                    state.lock().unwrap().1 += u32::from(is_refused);
                    sleep(Duration::from_millis(back)).await;
                    let fields = vec![("ratelimit-policy", r#""x";q=100;w=1"#.to_owned()), left];
                    Ok::<_, Infallible>(answer(if is_refused { 429 } else { 200 }, &fields))
                }
            })
        };
        let client = ThrottleLayer::obedient().layer(inner);
        for _ in 0..10 {
            client.clone().call(Request::new(())).await.unwrap();
        }
        let tasks: Vec<_> = (0..300).map(|_| tokio::spawn(client.clone().call(Request::new(())))).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(server.1.lock().unwrap().1, 0, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_a_pause_holds_go_out_in_the_order_of_their_coming() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let inner = {
        let order = Arc::clone(&order);
        service_fn(move |request: Request<u32>| {
            let first = order.lock().unwrap().is_empty();
            order.lock().unwrap().push(*request.body());
            async move {
                sleep(Duration::from_millis(10)).await;
                let after = vec![("retry-after", "3".to_owned())];
                Ok::<_, Infallible>(if first { answer(429, &after) } else { answer(200, &Fields::new()) })
            }
        })
    };
    let client = ThrottleLayer::obedient().layer(inner);
    client.clone().call(Request::new(0)).await.unwrap();
    let mut tasks = Vec::new();
    for number in 1..40 {
        tasks.push(tokio::spawn(client.clone().call(Request::new(number))));
        sleep(Duration::from_millis(13)).await;
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert!(order.lock().unwrap().is_sorted(), "{:?}", order.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_server_is_its_host_and_port_for_all_users() {
    #[derive(Default)]
    struct Names(Mutex<Vec<String>>);
    impl ThrottleObserver for Names {
        fn sent(&self, server: &str, _: Duration) {
            self.0.lock().unwrap().push(server.to_owned());
        }
    }
    let names = Arc::new(Names::default());
    let inner = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let mut client = ThrottleLayer::obedient().observe(Arc::clone(&names)).layer(inner);
    for uri in ["http://ann:secret@A.example:81/", "http://a.example:81/x", "/x", "/"] {
        let request = Request::builder().uri(uri).header("host", "B.example");
        client.call(request.body(()).unwrap()).await.unwrap();
    }
    client.call(Request::new(())).await.unwrap();
    let names = names.0.lock().unwrap();
    assert_eq!(*names, ["a.example:81", "a.example:81", "b.example", "b.example", ""]);
}

#[tokio::test(start_paused = true)]
async fn requests_that_came_in_a_pause_keep_to_the_own_limit_after_it() {
    let origin = Instant::now();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let inner = {
        let sent = Arc::clone(&sent);
        service_fn(move |_: Request<()>| {
            let mut sent = sent.lock().unwrap();
            sent.push(origin.elapsed().as_millis());
            let after = vec![("retry-after", "3".to_owned())];
            let response = if sent.len() == 1 { answer(429, &after) } else { answer(200, &Fields::new()) };
            async { Ok::<_, Infallible>(response) }
        })
    };
    let own = Arc::new(MultiBucket::with_clock([Limit::per_second(10).capacity(1)], TokioClock::new()).unwrap());
    let client = ThrottleLayer::new(own).layer(inner);
    client.clone().call(Request::new(())).await.unwrap();
    let tasks: Vec<_> = (0..20).map(|_| tokio::spawn(client.clone().call(Request::new(())))).collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let sent = sent.lock().unwrap();
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 99), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_pause_took_of_the_longest_wait_is_missing_at_own_limits() {
    let inner =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(answer(429, &vec![("retry-after", "2".to_owned())])) });
    let limit = Limit::per_minute(15).capacity(1);
    let own = Arc::new(MultiBucket::with_clock([limit], TokioClock::new()).unwrap());
    let mut client = ThrottleLayer::new(own).wait_at_most(Duration::from_millis(2500)).layer(inner);
    client.call(Request::new(())).await.unwrap();
    let began = Instant::now();
    // The pause takes 2 s, and the limit would take 2 s more.
    let error = client.call(Request::new(())).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(ThrottleError::OwnLimit { .. })), "{error}");
    assert!(began.elapsed() < Duration::from_millis(2500), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_server_that_was_used_least_recently_is_the_one_forgotten() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let inner = {
        let asked = Arc::clone(&asked);
        service_fn(move |_: Request<()>| {
            asked.lock().unwrap().push(Instant::now());
            async {
                Ok::<_, Infallible>(answer(
                    200,
                    &vec![
                        ("ratelimit", r#""x";r=0;t=8"#.to_owned()),
                        ("ratelimit-policy", r#""x";q=1;w=8"#.to_owned()),
                    ],
                ))
            }
        })
    };
    let layer = ThrottleLayer::obedient().max_servers(2).by_server(|request| request.uri.path().to_owned());
    let client = layer.layer(inner);
    let ask = |path: &'static str| {
        let mut client = client.clone();
        async move {
            let began = Instant::now();
            client.call(Request::builder().uri(path).body(()).unwrap()).await.unwrap();
            began.elapsed()
        }
    };
    let short = Duration::from_secs(1);
    assert!(ask("/a").await < short && ask("/b").await < short);
    assert!(ask("/a").await > short, "a is known");
    assert!(ask("/c").await < short);
    assert!(ask("/a").await > short, "b was used before a");
}

#[tokio::test(start_paused = true)]
async fn of_several_policies_in_other_units_the_longest_wait_is_kept() {
    let inner = service_fn(|_: Request<()>| async {
        let fields = vec![
            ("ratelimit-policy", r#""a";q=9;w=9;qu="content-bytes", "b";q=9;w=9;qu="content-bytes""#.to_owned()),
            ("ratelimit", r#""a";r=0;t=3, "b";r=0;t=1"#.to_owned()),
        ];
        Ok::<_, Infallible>(answer(200, &fields))
    });
    let mut client = ThrottleLayer::obedient().layer(inner);
    client.call(Request::new(())).await.unwrap();
    let began = Instant::now();
    client.call(Request::new(())).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
}
