//! What a configuration file may say, and what its errors say.

#![cfg(feature = "config")]

use http::HeaderName;
use proptest::prelude::*;
use serde::Deserialize;
use tollgate::Limit;
use tollgate_http::address::{Forwarding, Proxies};
use tollgate_http::config::{Config, ConfigError, KeyKind};

fn toml(text: &str) -> Result<Config, ConfigError> {
    Config::new(toml::Deserializer::new(text))
}

fn json(text: &str) -> Result<Config, ConfigError> {
    Config::new(&mut serde_json::Deserializer::from_str(text))
}

const WHOLE: &str = r#"
    [proxies]
    header = "X-Real-IP"
    trusted = ["10.0.0.0/8", "::1"]

    [limits.client]
    key = "client-ip/56"
    max_keys = 100000
    streams = { requests = "100/min capacity 20", bytes = "1MiB/s" }
    [limits.client.tiers.paid]
    requests = "1000/min"
    [limits.client.tiers.free]

    [limits.service]
    streams = { requests = { rate = "1000/s", capacity = 50, starts = "empty" } }
"#;

#[test]
fn a_whole_configuration_is_read() {
    let config = toml(WHOLE).unwrap();
    let header = Forwarding::Header(HeaderName::from_static("x-real-ip"));
    assert_eq!(config.proxies(), &Proxies::trusting(header, ["10.0.0.0/8", "::1"]).unwrap());
    assert_eq!(config.limits().map(|limit| limit.name()).collect::<Vec<_>>(), ["client", "service"]);

    let client = config.limit("client").unwrap();
    assert_eq!((client.key(), client.max_keys()), (Some(&KeyKind::ClientIp { prefix: 56 }), Some(100_000)));
    let (requests, bytes) = (Limit::per_minute(100).capacity(20), Limit::per_second(1 << 20));
    assert_eq!(
        client.streams().map(|(name, limit)| (name, limit.rate)).collect::<Vec<_>>(),
        [("bytes", bytes.rate), ("requests", requests.rate)]
    );
    assert_eq!(client.stream("requests"), Some(requests));
    assert_eq!(client.stream("request"), None);
    assert_eq!(client.tiers().collect::<Vec<_>>(), ["free", "paid"]);

    let service = config.limit("service").unwrap();
    assert_eq!((service.key(), service.max_keys(), service.tiers().len()), (None, None, 0));
    assert_eq!(service.stream("requests"), Some(Limit::per_second(1000).capacity(50).empty()));
    assert_eq!(config.limit("services"), None);
}

#[test]
fn a_tier_inherits_the_streams_that_it_leaves_out() {
    let config = toml(WHOLE).unwrap();
    let client = config.limit("client").unwrap();
    assert_eq!(client.tier_stream("paid", "requests"), Some(Limit::per_minute(1000)));
    assert_eq!(client.tier_stream("paid", "bytes"), client.stream("bytes"));
    assert_eq!(client.tier_stream("free", "requests"), client.stream("requests"));
    assert_eq!(client.tier_stream("pay", "bytes"), None);
    assert_eq!(client.tier_stream("paid", "byte"), None);
}

#[test]
fn a_policy_is_named_after_the_limit_and_after_the_stream_if_there_are_several() {
    let config = toml(WHOLE).unwrap();
    let names = |limit: &str| -> Vec<String> {
        config.limit(limit).unwrap().policies().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names("client"), ["client-bytes", "client-requests"]);
    assert_eq!(names("service"), ["service"]);
}

#[test]
fn formats_that_mean_the_same_are_read_as_the_same() {
    let value: toml::Value = toml::from_str(WHOLE).unwrap();
    let text = serde_json::to_string(&value).unwrap();
    assert_eq!(json(&text), toml(WHOLE));
    assert_eq!(Config::new(value), toml(WHOLE));
    assert_eq!(toml(""), Ok(Config::default()));
    assert_eq!(json("{\"proxies\": null}"), Ok(Config::default()));
}

#[test]
fn it_can_be_part_of_a_larger_configuration() {
    #[derive(Deserialize, Debug)]
    struct App {
        port: u16,
        rates: Config,
    }
    let app: App = toml::from_str("port = 80\n[rates.limits.service]\nstreams.requests = '5/s'").unwrap();
    assert_eq!((app.port, app.rates), (80, toml("limits.service.streams.requests = '5/s'").unwrap()));
    let error = toml::from_str::<App>("port = 80\n[rates.limits.service]\nstreams.requests = '5'").unwrap_err();
    assert!(error.message().contains("limits.service.streams.requests: \"5\": a rate has a period"), "{error}");
}

/// What is wrong in TOML, the place, and the rule.
const BAD: [(&str, &str, &str); 52] = [
    // Shapes.
    ("limit = {}", "limit", "unknown field `limit`, expected `proxies` or `limits`"),
    ("limits = 5", "limits", "invalid type: integer `5`, expected a map"),
    ("limits = []", "limits", "invalid type: sequence, expected a map"),
    ("limits.a = 5", "limits.a", "invalid type: integer `5`, expected a table with streams"),
    ("limits.a = ['custom', 7]", "limits.a", "invalid type: sequence, expected a table with streams"),
    ("limits.a = {}", "limits.a", "missing field `streams`"),
    ("limits.a.streams = 5", "limits.a.streams", "invalid type: integer `5`, expected a map"),
    ("limits.a = { streams.b = '5/s', tiers = [] }", "limits.a.tiers", "invalid type: sequence, expected a map"),
    (
        "limits.a = { streams.b = '5/s', burst = 7 }",
        "limits.a.burst",
        "unknown field `burst`, expected one of `key`, `max_keys`, `streams`, `tiers`",
    ),
    // Limits.
    (
        "limits.a.streams.b = 5",
        "limits.a.streams.b",
        "invalid type: integer `5`, expected a limit as text, such as \"1000/s capacity 50\", or as a table with a rate",
    ),
    (
        "limits.a.streams.b = ''",
        "limits.a.streams.b",
        "\"\": an amount is a decimal number, as in 1000, 1_000 or 999.9",
    ),
    (
        "limits.a.streams.b = '5/fortnight'",
        "limits.a.streams.b",
        "\"5/fortnight\", at \"fortnight\": a period is an optional whole number and a unit (ns, us, ms, s, min, h, d, w)",
    ),
    (
        "limits.a.streams.b = { rate = '5' }",
        "limits.a.streams.b.rate",
        "\"5\": a rate has a period, as in 1000/s or 5 per minute",
    ),
    ("limits.a.streams.b = { capacity = 5 }", "limits.a.streams.b", "missing field `rate`"),
    (
        "limits.a.streams.b = { rate = '5/s', capacity = -1 }",
        "limits.a.streams.b.capacity",
        "invalid value: integer `-1`, expected a whole number of tokens, or text such as \"4MiB\"",
    ),
    (
        "limits.a.streams.b = { rate = '5/s', bursts = 7 }",
        "limits.a.streams.b.bursts",
        "unknown field `bursts`, expected one of `rate`, `burst`, `capacity`, `starts`",
    ),
    (
        "limits.a.streams.b = '5/s capacity 0'",
        "limits.a.streams.b",
        "limit 5/s capacity 0: a capacity is at least 1 token",
    ),
    (
        "limits.a.streams.b = { rate = '5/s', starts = 6 }",
        "limits.a.streams.b",
        "limit 5/s capacity 5 starting with 6: a bucket starts with at most its capacity",
    ),
    (
        "limits.a.streams.b = '1/s capacity 4398046511104'",
        "limits.a.streams.b",
        "limit 1/s capacity 4398046511104: the largest capacity at this rate is 4398046511103",
    ),
    // Names and numbers of streams.
    ("limits.a.streams = {}", "limits.a.streams", "0 streams: a limit has 1 to 8"),
    (
        "limits.a.streams = {a='1/s',b='1/s',c='1/s',d='1/s',e='1/s',f='1/s',g='1/s',h='1/s',i='1/s'}",
        "limits.a.streams",
        "9 streams: a limit has 1 to 8",
    ),
    (
        "limits.a.streams.'b c' = '5/s'",
        "limits.a.streams.b c",
        "name \"b c\": a name has 1 to 64 letters, digits, `-` and `_`",
    ),
    ("limits.'a.b'.streams.c = '5/s'", "limits.a.b", "name \"a.b\": a name has 1 to 64 letters, digits, `-` and `_`"),
    ("limits.''.streams.c = '5/s'", "limits.", "name \"\": a name has 1 to 64 letters, digits, `-` and `_`"),
    ("limits.'ä'.streams.c = '5/s'", "limits.ä", "name \"ä\": a name has 1 to 64 letters, digits, `-` and `_`"),
    (
        "limits.a.streams = {b='5/s',c='5/s'}\nlimits.a-b.streams.x='5/s'",
        "limits.a-b.streams.x",
        "its policy \"a-b\" is that of limits.a.streams.b, too",
    ),
    // Keys.
    (
        "limits.a = { key = 'client', max_keys = 7, streams.b = '5/s' }",
        "limits.a.key",
        "key \"client\": a key is client-ip, client-ip/1 to client-ip/128, header:NAME, or custom",
    ),
    (
        "limits.a = { key = 'client-ip/129', max_keys = 7, streams.b = '5/s' }",
        "limits.a.key",
        "key \"client-ip/129\": a key is client-ip, client-ip/1 to client-ip/128, header:NAME, or custom",
    ),
    (
        "limits.a = { key = 5, max_keys = 7, streams.b = '5/s' }",
        "limits.a.key",
        "invalid type: integer `5`, expected a string",
    ),
    (
        "limits.a = { key = 'custom', max_keys = 0, streams.b = '5/s' }",
        "limits.a.max_keys",
        "invalid value: integer `0`, expected a whole number of keys, at least 1",
    ),
    (
        "limits.a = { key = 'custom', max_keys = -1, streams.b = '5/s' }",
        "limits.a.max_keys",
        "invalid type: integer `-1`, expected a whole number of keys, at least 1",
    ),
    (
        "limits.a = { key = 'custom', max_keys = 1.5, streams.b = '5/s' }",
        "limits.a.max_keys",
        "invalid type: floating point `1.5`, expected a whole number of keys, at least 1",
    ),
    (
        "limits.a = { key = 'custom', max_keys = '7', streams.b = '5/s' }",
        "limits.a.max_keys",
        "invalid type: string \"7\", expected a whole number of keys, at least 1",
    ),
    (
        "limits.a = { key = 'custom', streams.b = '5/s' }",
        "limits.a",
        "missing field `max_keys`: a limit with a key has one",
    ),
    ("limits.a = { max_keys = 7, streams.b = '5/s' }", "limits.a.max_keys", "only a limit with a key has max_keys"),
    // Tiers.
    ("limits.a = { streams.b = '5/s', tiers.c.b = '5/s' }", "limits.a.tiers", "only a limit with a key has tiers"),
    (
        "limits.a = { key = 'custom', max_keys = 7, streams.b = '5/s', tiers.c = '5/s' }",
        "limits.a.tiers.c",
        "invalid type: string \"5/s\", expected a map",
    ),
    (
        "limits.a = { key = 'custom', max_keys = 7, streams.b = '5/s', tiers.c.b = '5' }",
        "limits.a.tiers.c.b",
        "\"5\": a rate has a period, as in 1000/s or 5 per minute",
    ),
    (
        "limits.a = { key = 'custom', max_keys = 7, streams.b = '5/s', tiers.c.b = '0/s' }",
        "limits.a.tiers.c.b",
        "limit 0/s capacity 0: a capacity is at least 1 token",
    ),
    (
        "limits.a = { key = 'custom', max_keys = 7, streams = { b = '5/s', c = '5/s' }, tiers.d.e = '5/s' }",
        "limits.a.tiers.d.e",
        "no such stream in limits.a: it has b, c",
    ),
    (
        "limits.a = { key = 'custom', max_keys = 7, streams.b = '5/s', tiers.'c d'.b = '5/s' }",
        "limits.a.tiers.c d",
        "name \"c d\": a name has 1 to 64 letters, digits, `-` and `_`",
    ),
    // Proxies.
    ("proxies = 'x'", "proxies", "invalid type: string \"x\", expected a table with a header and trusted networks"),
    (
        "proxies = ['forwarded', []]",
        "proxies",
        "invalid type: sequence, expected a table with a header and trusted networks",
    ),
    ("proxies.trusted = []", "proxies", "missing field `header`"),
    ("proxies.header = 'forwarded'", "proxies", "missing field `trusted`"),
    (
        "proxies = { header = 'forwarded', trusted = [], other = 1 }",
        "proxies.other",
        "unknown field `other`, expected `header` or `trusted`",
    ),
    (
        "proxies = { header = 'a b', trusted = [] }",
        "proxies.header",
        "header \"a b\": the name of a header field is a token",
    ),
    (
        "proxies = { header = 'forwarded', trusted = '::1' }",
        "proxies.trusted",
        "invalid type: string \"::1\", expected a sequence",
    ),
    (
        "proxies = { header = 'forwarded', trusted = ['::1', 5] }",
        "proxies.trusted[1]",
        "invalid type: integer `5`, expected a string",
    ),
    (
        "proxies = { header = 'forwarded', trusted = ['10.0.0.0/33'] }",
        "proxies.trusted[0]",
        "network \"10.0.0.0/33\": a network is an address, or an address and a prefix, as 10.0.0.0/8",
    ),
    (
        "proxies = { header = 'forwarded', trusted = ['::1', '10.0.0.1/8'] }",
        "proxies.trusted[1]",
        "network \"10.0.0.1/8\": a network has no bits beyond its prefix, as 10.0.0.0/8 has none",
    ),
    (
        "proxies = { header = 'forwarded', trusted = ['::/0'] }",
        "proxies.trusted[0]",
        "network \"::/0\": a prefix is at least 1: if every address is trusted, a client can choose its address",
    ),
];

#[test]
fn a_bad_configuration_is_refused_with_the_place_and_the_rule() {
    for (text, place, rule) in BAD {
        let error = toml(text).expect_err(text);
        assert_eq!((error.place(), error.rule()), (place, rule), "{text}");
        assert_eq!(error.to_string(), format!("{place}: {rule}"));
    }
}

#[test]
fn errors_are_the_same_in_every_format() {
    for (text, ..) in BAD {
        let value: toml::Value = toml::from_str(text).unwrap();
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(json(&text).unwrap_err(), Config::new(value).unwrap_err(), "{text}");
    }
}

#[test]
fn a_name_that_is_there_twice_is_refused_where_a_format_allows_it() {
    for (text, place, name) in [
        (r#"{"limits": {"a": 1, "a": 2}}"#, "limits", "a"),
        (r#"{"limits": {"a": {"streams": {"b": "5/s", "b": "5/s"}}}}"#, "limits.a.streams", "b"),
    ] {
        let error = json(text).unwrap_err();
        assert_eq!(error.place(), place);
        assert!(error.rule().starts_with(&format!("the name {name:?} is there twice")), "{error}");
    }
}

#[test]
fn a_text_that_is_not_of_its_format_is_refused_with_what_the_format_says() {
    let error = toml("limits = ").unwrap_err();
    assert!(error.place().is_empty() && error.rule().starts_with("TOML parse error at line 1"), "{error}");
    assert!(!error.to_string().ends_with('\n'));
    let error = json("{").unwrap_err();
    assert_eq!((error.place(), error.rule()), ("", "EOF while parsing an object at line 1 column 1"));
    let error = json(r#"{"limits": {"a": {"streams": {"b": "5/s" "c"}}}}"#).unwrap_err();
    assert_eq!((error.place(), error.rule()), ("limits.a.streams", "expected `,` or `}` at line 1 column 42"));
}

#[test]
fn a_configuration_that_is_too_deep_is_refused() {
    for deep in [format!("{}1{}", "[".repeat(100), "]".repeat(100)), format!("{{\"limits\": {}", "{\"a\":".repeat(100))]
    {
        let error = json(&deep).unwrap_err();
        assert!(error.rule().starts_with("a configuration is at most 12 levels deep"), "{error}");
    }
}

#[test]
fn names_have_at_most_64_letters() {
    let limit = |letters: usize| toml(&format!("limits.{}.streams.b = '5/s'", "a".repeat(letters)));
    assert!(limit(64).is_ok() && limit(65).is_err());
}

#[test]
fn a_limit_has_at_most_65535_tiers() {
    let with = |tiers: usize| {
        let tiers: Vec<_> = (0..tiers).map(|tier| format!(r#""t{tier}": {{}}"#)).collect();
        let limit =
            format!(r#""key": "custom", "max_keys": 7, "streams": {{"b": "5/s"}}, "tiers": {{{}}}"#, tiers.join(","));
        json(&format!(r#"{{"limits": {{"a": {{{limit}}}}}}}"#))
    };
    assert_eq!(with(65_535).unwrap().limit("a").unwrap().tiers().len(), 65_535);
    let text = "limits.a.tiers: 65536 tiers: a limit has at most 65535";
    assert_eq!(with(65_536).unwrap_err().to_string(), text);
}

fn any_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "limits",
        "proxies",
        "a",
        "streams",
        "tiers",
        "key",
        "max_keys",
        "header",
        "trusted",
        ".",
        " = ",
        "\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        "'5/s'",
        "'client-ip'",
        "7",
        "-1",
        "1e9",
        "'",
        "\"",
        "true",
        "null",
        ":",
    ]);
    prop_oneof![prop::collection::vec(word, 0..20).prop_map(|words| words.concat()), "\\PC*",]
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any_text()) {
        let _ = (toml(&text), json(&text));
    }

    #[test]
    fn key_kinds_come_back_from_their_text(prefix in 1..=128_u8, header in "[a-z][a-z0-9-]{0,20}") {
        let header = HeaderName::try_from(header).unwrap();
        for kind in [KeyKind::ClientIp { prefix }, KeyKind::Header(header), KeyKind::Custom] {
            prop_assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }

    #[test]
    fn no_text_makes_the_reading_of_a_key_kind_panic(text in "\\PC*|(client-ip|header|custom)[/:]?[+0-9a-z]{0,4}") {
        if let Ok(kind) = text.parse::<KeyKind>() {
            prop_assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }
}
