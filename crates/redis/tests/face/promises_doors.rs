//! Engines that do not let everybody in, and what they are told who stay outside.

use engines::{Cluster, Kind, Options, Server};
use tollgate::Limit;
use tollgate_redis::{Away, Engine, FleetBucket, FleetError};

use crate::common::SECOND;

async fn told(engine: &Engine) -> Result<FleetBucket<1>, FleetError> {
    let joining = FleetBucket::join(engine, "fleet", [Limit::per_second(1000)]).create();
    joining.when_away(Away::Refuse).connect().await
}

#[tokio::test]
async fn wrong_doors_are_errors_that_say_what_to_do() {
    for kind in Kind::ALL {
        let options = Options { tls: true, password: Some("se:c@re/t".into()), ..Options::default() };
        let server = Server::start(kind, options).unwrap();
        let stranger = Server::start(kind, Options { tls: true, ..Options::default() }).unwrap();
        let plain = Server::start(kind, Options::default()).unwrap();
        let at = |scheme: &str| format!("{scheme}://127.0.0.1:{}", server.port());

        let engine = Engine::open(at("rediss")).unwrap().password("se:c@re/t").authority(server.authority());
        told(&engine).await.unwrap().take_timeout([1], SECOND).await.unwrap();

        let error = told(&engine.clone().authority(stranger.authority())).await.unwrap_err();
        eprintln!("wrong authority: {error}");
        assert!(error.to_string().contains("certificate") || error.to_string().contains("authority"), "{error}");
        let error = told(&Engine::open(at("rediss")).unwrap().password("se:c@re/t")).await.unwrap_err();
        eprintln!("no authority: {error}");
        let error = told(&engine.clone().password("wrong")).await.unwrap_err();
        eprintln!("wrong password: {error}");
        assert!(matches!(error, FleetError::Password { .. }), "{error:?}");
        let error = told(&Engine::open(at("rediss")).unwrap().authority(server.authority())).await.unwrap_err();
        eprintln!("no password: {error}");
        assert!(matches!(error, FleetError::Password { .. }), "{error:?}");
        let error = told(&Engine::open(at("redis")).unwrap().password("se:c@re/t")).await.unwrap_err();
        eprintln!("plain to TLS: {error}");
        assert!(!matches!(error, FleetError::Malformed { .. }), "{error:?}");
        let error = told(&Engine::open(plain.url().replace("redis:", "rediss:")).unwrap()).await.unwrap_err();
        eprintln!("TLS to plain: {error}");
        let error = told(&engine.clone().authority("/nowhere.pem")).await.unwrap_err();
        eprintln!("no file: {error}");
        assert!(matches!(error, FleetError::Authority { .. }), "{error:?}");
        let error = told(&engine.clone().user("nobody")).await.unwrap_err();
        eprintln!("no user: {error}");
    }
}

#[tokio::test]
async fn users_with_few_rights_are_told_which_they_lack() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options::default()).unwrap();
        let all = "+eval +evalsha +get +set +del +time +info";
        let user = |name: &str, rules: &str| {
            let mut words = vec!["acl", "setuser", name, "on", ">pass", "resetkeys"];
            words.extend(rules.split(' '));
            server.cli(&words).unwrap();
            Engine::open(format!("redis://{name}:pass@127.0.0.1:{}", server.port())).unwrap()
        };
        told(&user("enough", &format!("~tollgate:* {all}"))).await.unwrap().take_timeout([1], SECOND).await.unwrap();
        let engine = user("noinfo", &format!("~tollgate:* {all} -info"));
        told(&engine).await.unwrap().take_timeout([1], SECOND).await.unwrap();
        eprintln!("no info: {:?}", engine.warnings());
        assert!(!engine.warnings().is_empty());
        for (name, rules) in [
            ("nokeys", format!("~other:* {all}")),
            ("noeval", format!("~tollgate:* {all} -eval -evalsha")),
            ("nosha", format!("~tollgate:* {all} -evalsha")),
            ("notime", format!("~tollgate:* {all} -time")),
            ("noget", format!("~tollgate:* {all} -get")),
        ] {
            // Each has a server that knows the scripts already.
            let error = told(&user(name, &rules)).await.map(drop).unwrap_err();
            eprintln!("{kind} {name}: {error}");
            assert!(matches!(error, FleetError::Permission { .. }), "{name}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_node_of_a_cluster_that_moved_is_followed() {
    for kind in Kind::ALL {
        let mut cluster = Cluster::start(kind, "tollgate:{fleet}").unwrap();
        let engine = Engine::cluster(&cluster.urls()[..1]).unwrap();
        let fleet = told(&engine).await.unwrap();
        fleet.take_timeout([1], SECOND).await.unwrap();
        cluster.replica().cli(&["cluster", "failover"]).unwrap();
        cluster.wait_for_fail_over().unwrap();
        let _ = fleet.take_timeout([5], 3 * SECOND).await;
        let served = fleet.take_timeout([5], 5 * SECOND).await;
        served.unwrap_or_else(|error| panic!("{error}: {:?}", fleet.figures()));
    }
}
