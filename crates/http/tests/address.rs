//! Who the client is: what proxies may say, and what nobody can make of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use tollgate_http::address::{Forwarding, NetworkRule, Proxies};

const PEER: &str = "10.0.0.1";
const REAL: &str = "192.0.2.7";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn trusting(header: Forwarding) -> Proxies {
    Proxies::trusting(header, ["10.0.0.0/8", "fd00::/8", "203.0.113.9"]).unwrap()
}

fn lines<'a>(name: &str, lines: impl IntoIterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let name = HeaderName::try_from(name).unwrap();
        headers.append(name, HeaderValue::from_bytes(line).unwrap());
    }
    headers
}

/// The client behind the trusted peer, by these lines of `X-Forwarded-For`.
fn x_forwarded_for<const N: usize>(text: [&str; N]) -> String {
    let headers = lines("x-forwarded-for", text.map(str::as_bytes));
    trusting(Forwarding::XForwardedFor).client(ip(PEER), &headers).to_string()
}

/// The client behind the trusted peer, by these lines of `Forwarded`.
fn forwarded<const N: usize>(text: [&str; N]) -> String {
    let headers = lines("forwarded", text.map(str::as_bytes));
    trusting(Forwarding::Forwarded).client(ip(PEER), &headers).to_string()
}

#[test]
fn the_fields_of_an_untrusted_peer_are_ignored() {
    let headers = lines("x-forwarded-for", [&b"6.6.6.6"[..], b"10.0.0.3"]);
    let proxies = trusting(Forwarding::XForwardedFor);
    for peer in ["192.0.2.1", "11.0.0.1", "203.0.113.8", "2001:db8::1"] {
        assert_eq!(proxies.client(ip(peer), &headers), ip(peer));
        assert_eq!(Proxies::none().client(ip(peer), &headers), ip(peer));
    }
    assert_eq!(Proxies::default().client(ip(PEER), &headers), ip(PEER));
}

#[test]
fn a_spoofed_leftmost_address_gets_no_bucket_of_its_own() {
    for spoofed in ["6.6.6.6", "10.9.9.9", "127.0.0.1", "::1", "x", "", ",,,", "\""] {
        assert_eq!(x_forwarded_for([&format!("{spoofed}, {REAL}")]), REAL, "{spoofed}");
        assert_eq!(x_forwarded_for([&format!("{spoofed}, {REAL}, 10.0.0.2")]), REAL, "{spoofed}");
        assert_eq!(x_forwarded_for([spoofed, REAL]), REAL, "{spoofed}");
    }
}

#[test]
fn a_spoofed_element_of_forwarded_is_not_the_client() {
    for spoofed in ["for=6.6.6.6", "for=10.9.9.9", "for=\"6.6.6.6", "for=x;for=\"", "x=\"\\", "\"", ";", ""] {
        assert_eq!(forwarded([&format!("{spoofed}, for={REAL}")]), REAL, "{spoofed}");
        assert_eq!(forwarded([&format!("{spoofed}, for={REAL}, for=10.0.0.2;by=\"_a,b\"")]), REAL, "{spoofed}");
        assert_eq!(forwarded([spoofed, &format!("for={REAL}")]), REAL, "{spoofed}");
    }
}

#[test]
fn an_entry_with_a_port_is_not_skipped() {
    assert_eq!(x_forwarded_for([&format!("6.6.6.6, {REAL}:4711")]), REAL);
    assert_eq!(x_forwarded_for(["6.6.6.6, [2001:db8::7]:4711"]), "2001:db8::7");
    assert_eq!(x_forwarded_for([&format!("6.6.6.6, {REAL}:1, 10.0.0.2:2, [fd00::3]:3")]), REAL);
    assert_eq!(forwarded([&format!("for=6.6.6.6, for=\"{REAL}:4711\"")]), REAL);
    assert_eq!(forwarded([&format!("for=6.6.6.6, for=\"{REAL}:_hidden\"")]), REAL);
}

#[test]
fn addresses_of_one_subnet_are_clients_of_one_key() {
    use tollgate::keyed::IpKey;
    let key = |address: &str| IpKey::new(ip(&x_forwarded_for([address])));
    assert_eq!(key("2001:db8:1:2::3"), key("[2001:db8:1:2:ffff::4]:443"));
    assert_ne!(key("2001:db8:1:2::3"), key("2001:db8:1:3::3"));
    assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
}

#[test]
fn no_other_field_is_ever_looked_at() {
    let mut headers = HeaderMap::new();
    for name in ["forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-client-ip", "x-forwarded"] {
        headers.append(name, HeaderValue::from_static("6.6.6.6"));
    }
    headers.append("forwarded", HeaderValue::from_static("for=6.6.6.6"));
    assert_eq!(trusting(Forwarding::XForwardedFor).client(ip(PEER), &headers), ip(PEER));
    headers.append("x-forwarded-for", HeaderValue::from_static("unknown"));
    assert_eq!(trusting(Forwarding::XForwardedFor).client(ip(PEER), &headers), ip(PEER));
    headers.append("x-forwarded-for", HeaderValue::from_static(REAL));
    assert_eq!(trusting(Forwarding::XForwardedFor).client(ip(PEER), &headers), ip(REAL));
}

#[test]
fn all_lines_are_one_list() {
    assert_eq!(x_forwarded_for(["6.6.6.6", REAL, "10.0.0.2, 10.0.0.3", "10.0.0.4"]), REAL);
    assert_eq!(forwarded(["for=6.6.6.6", &format!("for={REAL}"), "for=10.0.0.2, for=10.0.0.3"]), REAL);
}

#[test]
fn an_entry_that_names_no_address_ends_the_walk_at_the_last_trusted_hop() {
    for entry in ["unknown", "_hidden", "example.com", "192.0.2", "192.0.2.7:x", "[2001:db8::7", "fe80::1%eth0", "-"] {
        assert_eq!(x_forwarded_for([&format!("6.6.6.6, {entry}")]), PEER, "{entry}");
        assert_eq!(x_forwarded_for([&format!("6.6.6.6, {entry}, 10.0.0.2")]), "10.0.0.2", "{entry}");
        assert_eq!(forwarded([&format!("for=6.6.6.6, for=\"{entry}\", for=10.0.0.2")]), "10.0.0.2", "{entry}");
    }
}

#[test]
fn an_empty_entry_ends_the_walk_as_a_proxy_may_have_written_it() {
    for text in ["6.6.6.6,", "6.6.6.6, ", "6.6.6.6, ,\t", "6.6.6.6, \"\"", ""] {
        assert_eq!(x_forwarded_for([text]), PEER, "{text}");
        assert_eq!(x_forwarded_for([text, "10.0.0.2"]), "10.0.0.2", "{text}");
    }
    assert_eq!(x_forwarded_for(["6.6.6.6", ""]), PEER);
    assert_eq!(forwarded(["for=6.6.6.6, "]), PEER);
    assert_eq!(forwarded(["for=6.6.6.6, ;, for=10.0.0.2"]), "10.0.0.2");
}

#[test]
fn an_element_without_its_sender_ends_the_walk() {
    for element in ["by=10.0.0.1;proto=https", "proto=https", "for", "for=", "for=1.1.1.1;for=2.2.2.2", REAL] {
        assert_eq!(forwarded([&format!("for=6.6.6.6, {element}")]), PEER, "{element}");
    }
}

#[test]
fn quotes_and_other_parameters_around_the_sender_are_read() {
    for element in [
        format!("for={REAL};proto=http;by=203.0.113.43"),
        format!("host=\"a, for=6.6.6.6\";FOR=\"{REAL}\""),
        format!("by=\"_a\\\",\\\\\" ; For={REAL}"),
        format!("for={REAL};ext=\"for=6.6.6.6;\""),
        format!(";for={REAL};"),
    ] {
        assert_eq!(forwarded([&element]), REAL, "{element}");
        assert_eq!(forwarded([&format!("for=6.6.6.6, {element}, for=10.0.0.2")]), REAL, "{element}");
    }
    assert_eq!(x_forwarded_for([&format!("6.6.6.6, \"{REAL}\"")]), REAL);
    assert_eq!(x_forwarded_for(["\"[2001:db8::7]:1\""]), "2001:db8::7");
}

#[test]
fn where_all_addresses_are_trusted_the_leftmost_is_the_client() {
    assert_eq!(x_forwarded_for(["10.0.0.3, fd00::2, 203.0.113.9"]), "10.0.0.3");
    assert_eq!(x_forwarded_for([]), PEER);
}

#[test]
fn mapped_addresses_count_as_ipv4() {
    let headers = lines("x-forwarded-for", [&b"6.6.6.6, ::ffff:192.0.2.7, [::ffff:10.0.0.2]:80"[..]]);
    for networks in [["10.0.0.0/8"], ["::ffff:10.0.0.0/104"]] {
        let proxies = Proxies::trusting(Forwarding::XForwardedFor, networks).unwrap();
        for peer in ["10.0.0.1", "::ffff:10.0.0.1"] {
            assert_eq!(proxies.client(ip(peer), &headers), ip(REAL), "{networks:?} {peer}");
        }
        assert_eq!(proxies.client(ip("::ffff:192.0.2.9"), &headers), ip("192.0.2.9"));
    }
}

#[test]
fn a_field_with_one_address_is_read_as_well() {
    for name in ["x-real-ip", "cf-connecting-ip"] {
        let proxies = trusting(Forwarding::Header(HeaderName::from_static(name)));
        let headers = lines(name, [&b"6.6.6.6"[..], REAL.as_bytes()]);
        assert_eq!(proxies.client(ip(PEER), &headers), ip(REAL));
    }
}

#[test]
fn a_field_given_by_name_is_read_by_its_own_grammar() {
    let name = HeaderName::from_static("forwarded");
    assert_eq!(trusting(Forwarding::Header(name.clone())), trusting(Forwarding::Forwarded));
    assert_eq!(Forwarding::from(name), Forwarding::Forwarded);
}

#[test]
fn bytes_beyond_ascii_name_no_address() {
    let proxies = trusting(Forwarding::XForwardedFor);
    let headers = lines("x-forwarded-for", [&b"6.6.6.6, 192.0.2.7\xff"[..]]);
    assert_eq!(proxies.client(ip(PEER), &headers), ip(PEER));
    let headers = lines("x-forwarded-for", [&b"\xc3\xa4, 192.0.2.7"[..]]);
    assert_eq!(proxies.client(ip(PEER), &headers), ip(REAL));
    let proxies = trusting(Forwarding::Forwarded);
    let headers = lines("forwarded", [&b"for=\xff, for=192.0.2.7;host=\"\xc3\xa4\""[..]]);
    assert_eq!(proxies.client(ip(PEER), &headers), ip(REAL));
}

#[test]
fn the_walk_ends_after_the_most_hops() {
    let hops = |n: usize| vec!["10.0.0.2"; n].join(", ");
    assert_eq!(x_forwarded_for([&format!("{REAL}, {}", hops(Proxies::MOST_HOPS - 1))]), REAL);
    assert_eq!(x_forwarded_for([&format!("{REAL}, {}", hops(Proxies::MOST_HOPS))]), "10.0.0.2");
    let far = format!("10.7.7.7, {}", hops(5000));
    assert_eq!(x_forwarded_for([&far]), "10.0.0.2");
    let lines: Vec<&[u8]> = [&b"10.7.7.7"[..]].into_iter().chain([&b"10.0.0.2"[..]; 5000]).collect();
    let headers = self::lines("x-forwarded-for", lines);
    assert_eq!(trusting(Forwarding::XForwardedFor).client(ip(PEER), &headers), ip("10.0.0.2"));
}

#[test]
fn networks_that_cannot_be_trusted_are_refused_with_their_rule() {
    let network = "10.0.0.0/8".to_string();
    for (text, rule) in [
        ("", NetworkRule::NotANetwork),
        ("10.0.0.0/33", NetworkRule::NotANetwork),
        ("10.0.0/8", NetworkRule::NotANetwork),
        ("10.0.0.1:80", NetworkRule::NotANetwork),
        (" 10.0.0.1", NetworkRule::NotANetwork),
        ("::1/129", NetworkRule::NotANetwork),
        ("10.0.0.1/8", NetworkRule::BitsBeyondPrefix { network }),
        ("0.0.0.0/0", NetworkRule::EveryAddress),
        ("::/0", NetworkRule::EveryAddress),
        ("::ffff:0.0.0.0/96", NetworkRule::EveryAddress),
    ] {
        let error = Proxies::trusting(Forwarding::XForwardedFor, [PEER, text]).unwrap_err();
        assert_eq!((error.network.as_str(), &error.rule), (text, &rule));
    }
    let error = Proxies::trusting(Forwarding::XForwardedFor, ["10.0.0.1/8"]).unwrap_err();
    let text = "network \"10.0.0.1/8\": a network has no bits beyond its prefix, as 10.0.0.0/8 has none";
    assert_eq!(error.to_string(), text);
    let error = Proxies::trusting(Forwarding::XForwardedFor, ["::/0"]).unwrap_err();
    let text = "network \"::/0\": a prefix is at least 1: if every address is trusted, a client can choose its address";
    assert_eq!(error.to_string(), text);
}

#[test]
fn shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Proxies>();
    shared::<Forwarding>();
    shared::<tollgate_http::address::ProxyError>();
}

fn header() -> impl Strategy<Value = Forwarding> {
    prop_oneof![
        Just(Forwarding::XForwardedFor),
        Just(Forwarding::Forwarded),
        Just(Forwarding::Header(HeaderName::from_static("x-real-ip"))),
    ]
}

/// What a client may send as a line: all bytes that a header may have, with those that mean
/// something more often than others.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        2 => 0x20..0x7f_u8,
        1 => 0x80..=0xff_u8,
        5 => prop::sample::select(b"\",;\\=:[]. \tfor10".to_vec()),
    ];
    let word = prop_oneof![
        prop::collection::vec(byte, 0..12),
        prop::sample::select(vec!["6.6.6.6", "for=6.6.6.6", "10.0.0.9", "for=\"", ", ", "\\\"", "for=10.0.0.9;by=\""])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(word, 0..8).prop_map(|words| words.concat())
}

/// An address in a form that a proxy may write.
fn written(header: &Forwarding, address: IpAddr, port: Option<u16>, decorated: bool) -> String {
    let node = match (address, port) {
        (IpAddr::V6(address), Some(port)) => format!("[{address}]:{port}"),
        (IpAddr::V6(address), None) => format!("[{address}]"),
        (IpAddr::V4(address), Some(port)) => format!("{address}:{port}"),
        (IpAddr::V4(address), None) => address.to_string(),
    };
    match (header, decorated) {
        (Forwarding::Forwarded, false) => format!("for=\"{node}\""),
        (Forwarding::Forwarded, true) => format!("by=\"a,\\\"\\\\;\";For=\"{node}\";proto=https"),
        (_, true) => format!("\"{node}\""),
        (_, false) => node,
    }
}

proptest! {
    #[test]
    fn whatever_an_untrusted_peer_sends_it_is_the_client(
        header in header(), peer: IpAddr, sent in prop::collection::vec(line(), 0..4),
    ) {
        let proxies = trusting(header.clone());
        prop_assume!(!proxies.trusts(peer));
        let headers = lines(header.name().as_str(), sent.iter().map(|line| &line[..]));
        prop_assert_eq!(proxies.client(peer, &headers), peer.to_canonical());
    }

    #[test]
    fn whatever_stands_left_of_the_client_changes_nothing(
        header in header(), client: IpAddr, port: Option<u16>, decorated: bool, same_line: bool,
        sent in prop::collection::vec(line(), 0..4), hops in prop::collection::vec((0..255_u8, any::<bool>()), 0..4),
    ) {
        let proxies = trusting(header.clone());
        prop_assume!(!proxies.trusts(client));
        let mut wire = sent;
        let mut append = |entry: String| match wire.last_mut() {
            Some(line) if same_line => {
                line.extend_from_slice(b", ");
                line.extend_from_slice(entry.as_bytes());
            }
            _ => wire.push(entry.into_bytes()),
        };
        append(written(&header, client, port, decorated));
        for (last, decorated) in hops {
            append(written(&header, IpAddr::from([10, 0, 1, last]), port, decorated));
        }
        let headers = lines(header.name().as_str(), wire.iter().map(|line| &line[..]));
        prop_assert_eq!(proxies.client(ip(PEER), &headers), client.to_canonical());
    }

    #[test]
    fn no_bytes_make_a_walk_panic_or_leave_the_list(
        header in header(), sent in prop::collection::vec(line(), 0..4),
    ) {
        let headers = lines(header.name().as_str(), sent.iter().map(|line| &line[..]));
        let client = trusting(header).client(ip(PEER), &headers);
        let text = String::from_utf8_lossy(&sent.join(&b", "[..])).into_owned();
        let named = client == ip(PEER) || client.is_ipv6() || text.replace('\\', "").contains(&client.to_string());
        prop_assert!(named, "{} from {:?}", client, text);
    }

    #[test]
    fn no_text_makes_the_reading_of_a_network_panic(text in "\\PC*|[0-9a-f:./]{0,30}") {
        let _ = Proxies::trusting(Forwarding::XForwardedFor, [text]);
    }
}

/// The rule once more, as slowly and plainly as it can be said: of lines that are well formed, and
/// of entries that name no address.
mod plain {
    use super::*;

    fn node(text: &str) -> Option<IpAddr> {
        let is_port = |port: &str| port.parse::<u16>().is_ok();
        let alone = text.parse::<IpAddr>().ok();
        let four =
            || text.rsplit_once(':').filter(|(_, port)| is_port(port)).and_then(|(ip, _)| ip.parse::<Ipv4Addr>().ok());
        let inside = || {
            text.strip_prefix('[')?
                .split_once(']')
                .filter(|(_, after)| after.is_empty() || after.strip_prefix(':').is_some_and(is_port))
        };
        let six = || inside().and_then(|(ip, _)| ip.parse::<Ipv6Addr>().ok());
        alone.or_else(|| four().map(IpAddr::V4)).or_else(|| six().map(IpAddr::V6)).map(|address| address.to_canonical())
    }

    /// All lines joined, entry by entry, the last first.
    pub(super) fn client(peer: IpAddr, trusts: impl Fn(IpAddr) -> bool, sent: &[String]) -> IpAddr {
        let mut hop = peer.to_canonical();
        let joined = sent.join(",");
        let entries = if sent.is_empty() { Vec::new() } else { joined.split(',').rev().collect() };
        for entry in entries {
            if !trusts(hop) {
                break;
            }
            let entry = entry.trim();
            match node(entry.strip_prefix('"').and_then(|entry| entry.strip_suffix('"')).unwrap_or(entry)) {
                Some(address) => hop = address,
                None => break,
            }
        }
        hop
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn x_forwarded_for_agrees_with_the_rule_said_plainly(
        peer in prop::sample::select(vec!["10.0.0.1", "192.0.2.9", "::ffff:10.0.0.3", "2001:db8::1"]),
        sent in prop::collection::vec(prop::collection::vec((0..15_usize, any::<bool>(), any::<bool>()), 0..5), 0..4),
    ) {
        let entries = [
            "10.0.0.2", "10.9.9.9:80", "192.0.2.1", "192.0.2.2:65535", "6.6.6.6", "", "unknown", "_hidden", "[2001:db8::7]:443",
            "2001:db8::8", "::ffff:10.0.0.5", "[::ffff:192.0.2.5]", "fe80::1%eth0", "10.0.0.256", "192.0.2.1:65536",
        ];
        let write = |(entry, quoted, spaced): &(usize, bool, bool)| {
            let entry = if *quoted { format!("\"{}\"", entries[*entry]) } else { entries[*entry].to_owned() };
            if *spaced { format!(" {entry}\t") } else { entry }
        };
        let sent: Vec<_> = sent.iter().map(|line| line.iter().map(write).collect::<Vec<_>>().join(",")).collect();
        let proxies = trusting(Forwarding::XForwardedFor);
        let headers = lines("x-forwarded-for", sent.iter().map(|line| line.as_bytes()));
        let expected = plain::client(ip(peer), |address| proxies.trusts(address), &sent);
        prop_assert_eq!(proxies.client(ip(peer), &headers), expected, "{:?}", sent);
    }
}
