//! Every form of an address, and what each setting allows.

use super::*;
use AddressKind::{
    Benchmarking, Broadcast, CarrierGrade, Documentation, Embedded, LinkLocal, Loopback, Metadata,
    Multicast, Private, Public, Reserved, Unspecified,
};

/// Each purpose with addresses at the edges of its networks.
const FORMS: [(AddressKind, &[&str]); 13] = [
    (
        Public,
        &[
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::",
            "2001:200::1",
            "2606:4700::1111",
            "2001:db9::1",
        ],
    ),
    (
        Loopback,
        &["127.0.0.1", "127.0.0.0", "127.255.255.255", "::1"],
    ),
    (
        Private,
        &[
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.0",
            "192.168.255.255",
            "fc00::",
            "fd00::1",
            "fdff:ffff::1",
        ],
    ),
    (CarrierGrade, &["100.64.0.0", "100.127.255.255"]),
    (Benchmarking, &["198.18.0.0", "198.19.255.255"]),
    (
        LinkLocal,
        &["169.254.0.0", "169.254.255.255", "fe80::1", "febf::1"],
    ),
    (
        Metadata,
        &[
            "169.254.169.254",
            "100.100.100.200",
            "100.96.0.96",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fd00:42::42",
        ],
    ),
    (
        Multicast,
        &["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    ),
    (Unspecified, &["0.0.0.0", "0.255.255.255", "::"]),
    (Broadcast, &["255.255.255.255"]),
    (
        Documentation,
        &[
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "2001:db8::1",
            "3fff:fff::1",
        ],
    ),
    (
        Embedded,
        &[
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "::ffff:0:1.1.1.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "192.88.99.1",
        ],
    ),
    (
        Reserved,
        &[
            "192.0.0.192",
            "240.0.0.1",
            "255.255.255.254",
            "2001:10::1",
            "100::1",
            "5f00::1",
            "fec0::1",
            "4000::1",
        ],
    ),
];

fn filter(entries: &[&str]) -> AddressFilter {
    AddressFilter::from_entries(entries).expect("entries that can be used")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn every_form_is_known() {
    for (kind, addresses) in FORMS {
        for text in addresses {
            assert_eq!(AddressKind::of(address(text)), kind, "{text}");
        }
    }
}

#[test]
fn what_each_setting_allows() {
    let everything = ["loopback", "private", "0.0.0.0/0", "::/0"];
    for (entries, expected) in [
        (&[][..], &[Public][..]),
        (&["loopback"], &[Public, Loopback]),
        (&["private"], &[Public, Private]),
        (&["100.64.0.0/10"], &[Public, CarrierGrade]),
        (&["198.18.0.0/15"], &[Public, Benchmarking]),
        (
            &everything,
            &[Public, Loopback, Private, CarrierGrade, Benchmarking],
        ),
    ] {
        let filter = filter(entries);
        for (kind, addresses) in FORMS {
            for text in addresses {
                let checked = filter.check(address(text));
                assert_eq!(checked.is_ok(), expected.contains(&kind), "{text}");
            }
        }
    }
    let one = filter(&["10.1.0.0/16"]);
    assert!(one.check(address("10.1.2.3")).is_ok());
    assert!(one.check(address("10.2.2.3")).is_err());
}

#[test]
fn entries_that_cannot_be_used() {
    for entry in [
        "",
        "public",
        "10.0.0.1",
        "10.0.0.0/33",
        "fd00::/129",
        "a.example",
    ] {
        assert_eq!(
            AddressFilter::from_entries([entry]),
            Err(AllowNetworkError::Unreadable {
                entry: entry.to_owned()
            })
        );
    }
    for entry in [
        "169.254.0.0/16",
        "169.254.169.254/32",
        "100.100.100.200/32",
        "fe80::/10",
        "::ffff:0:0/96",
        "2002::/16",
        "224.0.0.0/4",
    ] {
        assert_eq!(
            AddressFilter::from_entries([entry]),
            Err(AllowNetworkError::Never {
                entry: entry.to_owned()
            })
        );
    }
}

#[test]
fn hosts_that_need_no_lookup() {
    let none = filter(&[]);
    for host in [
        "localhost",
        "LOCALHOST.",
        "app.localhost",
        "127.0.0.1",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "169.254.169.254",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
        "metadata",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
    ] {
        assert!(none.check_host(host).is_err(), "{host}");
    }
    let private = filter(&["loopback", "private"]);
    assert!(private.check_host("metadata.google.internal").is_err());
    for host in [
        "app.example",
        "notlocalhost",
        "metadata.example",
        "1.1.1.1",
        "[2606:4700::1]",
    ] {
        assert!(none.check_host(host).is_ok(), "{host}");
    }
    assert!(filter(&["loopback"]).check_host("localhost").is_ok());
}

#[test]
fn a_name_with_some_permitted_addresses_is_dialled_there() {
    let filter = filter(&[]);
    let addresses = |list: &[&str]| list.iter().map(|text| address(text)).collect::<Vec<_>>();
    let mixed = addresses(&["10.0.0.1", "1.1.1.1", "::1", "1.0.0.1"]);
    assert_eq!(
        filter.permitted(mixed),
        Ok(addresses(&["1.1.1.1", "1.0.0.1"]))
    );
    let blocked = filter.permitted(addresses(&["10.0.0.1", "fe80::1"]));
    let told = blocked.expect_err("none may be dialled").to_string();
    assert_eq!(
        told,
        "10.0.0.1 is a private network, which webhooks.allow_networks does not allow"
    );
    let blocked = filter.permitted(addresses(&["169.254.169.254"]));
    let told = blocked.expect_err("never").to_string();
    assert_eq!(
        told,
        "169.254.169.254 is a cloud's metadata service, where no webhook is delivered"
    );
}
