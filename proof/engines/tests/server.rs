//! What the harness promises of one server, on both engines.

use std::time::{Duration, Instant};

use engines::{Kind, Options, Outcome, Server};

fn on_both(test: impl Fn(Kind) -> Outcome<()>) {
    for kind in Kind::ALL {
        if let Err(error) = test(kind) {
            panic!("{kind}: {error}");
        }
    }
}

#[test]
fn each_engine_is_the_one_it_says() {
    on_both(|kind| {
        let server = Server::start(kind, Options::default())?;
        let (name, version) = match kind {
            Kind::Redis7 => ("redis_version", "7."),
            Kind::Valkey8 => ("valkey_version", "8."),
        };
        assert!(server.info("server", name)?.is_some_and(|told| told.starts_with(version)));
        assert!(kind.told()?.contains(&format!("v={version}")));
        Ok(())
    });
}

#[test]
fn a_killed_server_starts_empty_and_with_a_file_as_it_was() {
    on_both(|kind| {
        for aof in [false, true] {
            let mut server = Server::start(kind, Options { aof, ..Options::default() })?;
            server.cli(&["set", "key", "value"])?;
            let (port, url) = (server.port(), server.url());
            server.kill()?;
            assert!(server.cli(&["ping"]).is_err());
            server.restart()?;
            assert_eq!((server.port(), server.url()), (port, url));
            assert_eq!(server.cli(&["get", "key"])?, if aof { "value" } else { "" });
        }
        Ok(())
    });
}

#[test]
fn a_stopped_server_answers_only_after_it_goes_on() {
    on_both(|kind| {
        let server = Server::start(kind, Options::default())?;
        server.stop()?;
        let asked = Instant::now();
        std::thread::scope(|scope| {
            let answer = scope.spawn(|| server.cli(&["ping"]));
            std::thread::sleep(Duration::from_millis(300));
            server.cont()?;
            assert_eq!(answer.join().expect("no panic")?, "PONG");
            Outcome::Ok(())
        })?;
        assert!(asked.elapsed() >= Duration::from_millis(300));
        Ok(())
    });
}

#[test]
fn the_clock_of_a_server_steps_an_hour_each_way_at_once_in_scripts_too() {
    on_both(|kind| {
        let server = Server::start(kind, Options { stepped_clock: true, ..Options::default() })?;
        let read = || -> Outcome<[i64; 2]> {
            let own = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() as i64;
            let command = server.cli(&["time"])?;
            let script = server.cli(&["eval", "return redis.call('TIME')", "0"])?;
            let seconds = |text: &str| text.lines().next().unwrap_or_default().parse::<i64>();
            Ok([seconds(&command)? - own, seconds(&script)? - own])
        };
        for step in [0, 3600, -3600] {
            server.step_clock(step)?;
            for seen in read()? {
                assert!((step..step + 5).contains(&seen), "{seen} after a step to {step}");
            }
        }
        Ok(())
    });
}

#[test]
fn a_replica_that_is_cut_off_and_promoted_lacks_what_came_later() {
    on_both(|kind| {
        let master = Server::start(kind, Options::default())?;
        let replica = Server::start(kind, Options::default())?;
        master.cli(&["set", "early", "1"])?;
        replica.replicate(&master)?;
        assert_eq!(replica.cli(&["get", "early"])?, "1");
        let id = |server: &Server| server.info("replication", "master_replid");
        assert_eq!(id(&master)?, id(&replica)?);
        replica.cut_link()?;
        master.cli(&["set", "late", "1"])?;
        replica.promote()?;
        assert_eq!(replica.cli(&["mget", "early", "late"])?, "1");
        assert_ne!(id(&master)?, id(&replica)?);
        replica.cli(&["set", "own", "1"])?;
        let other = Server::start(kind, Options { replica_of: Some(master.port()), ..Options::default() })?;
        other.wait_for_link()?;
        assert_eq!(other.cli(&["get", "late"])?, "1");
        Ok(())
    });
}

#[test]
fn a_server_behind_tls_and_a_password_answers_only_who_has_both() {
    on_both(|kind| {
        let options = Options { tls: true, password: Some("secret".into()), ..Options::default() };
        let server = Server::start(kind, options)?;
        assert_eq!(server.url(), format!("rediss://:secret@127.0.0.1:{}/", server.port()));
        assert!(std::fs::read_to_string(server.authority())?.contains("BEGIN CERTIFICATE"));
        assert_eq!(server.cli(&["ping"])?, "PONG");
        let refused = server.cli(&["-a", "wrong", "ping"]).expect_err("a wrong password");
        assert!(refused.to_string().contains("WRONGPASS") || refused.to_string().contains("NOAUTH"), "{refused}");
        Ok(())
    });
}

#[test]
fn a_server_keeps_the_policy_it_was_given_and_counts_its_time() {
    on_both(|kind| {
        let policy = Some("allkeys-lru".to_owned());
        let server = Server::start(kind, Options { maxmemory_policy: policy, ..Options::default() })?;
        assert_eq!(server.info("memory", "maxmemory_policy")?.as_deref(), Some("allkeys-lru"));
        let before = server.cpu_time()?;
        server.cli(&["eval", "for i = 1, 20000000 do end", "0"])?;
        assert!(server.cpu_time()? > before);
        Ok(())
    });
}

#[test]
fn a_dropped_server_leaves_neither_process_nor_folder() {
    on_both(|kind| {
        let server = Server::start(kind, Options { tls: true, ..Options::default() })?;
        let (process, folder) = (format!("/proc/{}", server.id()?), server.authority());
        assert!(std::path::Path::new(&process).exists() && folder.exists());
        drop(server);
        assert!(!std::path::Path::new(&process).exists() && !folder.exists());
        Ok(())
    });
}

#[test]
fn a_server_ends_with_the_process_that_started_it_however_that_ends() -> Outcome<()> {
    const CHILD: &str = "ENGINES_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let server = Server::start(Kind::Redis7, Options::default())?;
        println!("\nserver {}", server.id()?);
        // Killed here, without any destructor.
        std::process::Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status()?;
    }
    let name = "a_server_ends_with_the_process_that_started_it_however_that_ends";
    let mut command = std::process::Command::new(std::env::current_exe()?);
    let output = command.args([name, "--exact", "--nocapture"]).env(CHILD, "1").output()?;
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let id = text.lines().find_map(|line| line.strip_prefix("server ")).ok_or("no server")?.to_owned();
    let begun = Instant::now();
    let runs = || std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while runs() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{id} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
