//! `tollgate pace` in front of a real nginx.

use clients::Outcome;
use clients::pipeline::run::{Pipeline, tollgate};

fn pipeline() -> Outcome<Pipeline> {
    Ok(Pipeline {
        tollgate: tollgate()?,
        program: env!("CARGO_BIN_EXE_clients").into(),
        rate: 100,
        // What pace lets out at once, and what comes late while this machine is busy elsewhere.
        burst: 200,
        pace: "100/s".to_owned(),
        lines: 700,
    })
}

#[test]
fn nginx_refuses_nothing_of_what_is_paced_to_its_rate() -> Outcome<()> {
    let logged = pipeline()?.run()?;
    println!("{logged:?}");
    assert_eq!((logged.granted, logged.refused), (700, 0));
    // It was paced: 10 at once, and the rest at 100/s.
    assert!(logged.time.as_secs_f64() >= 6.9, "{logged:?}");
    Ok(())
}

#[test]
fn nginx_refuses_of_what_is_paced_to_ten_times_its_rate() -> Outcome<()> {
    let pipeline = Pipeline { pace: "1000/s".to_owned(), burst: 20, ..pipeline()? };
    let logged = pipeline.run()?;
    println!("{logged:?}");
    assert_eq!(logged.granted + logged.refused, 700);
    assert!(logged.refused > 0, "{logged:?}");
    Ok(())
}
