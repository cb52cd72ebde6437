//! Which addresses may be dialled. A link, a redirect or a DNS answer must not lead a crawler into
//! the network that it runs in (server-side request forgery).
//!
//! An address is refused if the IANA special-purpose registries (RFC 6890) call it not globally
//! reachable. So is every IPv6 address that carries an IPv4 address: a translator or tunnel would
//! deliver to the inner address, and no website needs that form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// Whether a host is this machine by its very name or address, whatever a resolver says.
pub fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether an address may be dialled without `--allow-private`. Ask this of the address that the
/// connection goes to, after every resolution of a name.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let bits = ip.to_bits();
            !V4.iter()
                .any(|&(net, length)| (bits ^ net.to_bits()) >> (32 - length) == 0)
        }
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            !V6.iter()
                .any(|&(net, length)| (bits ^ net.to_bits()) >> (128 - length) == 0)
        }
    }
}

/// Networks, each with the length of its prefix (1 to 32), from the IANA IPv4 special-purpose
/// address registry unless a comment names another source.
const V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8), // this network, unspecified: RFC 791 §3.2
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private: RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10), // carrier-grade NAT: RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback: RFC 1122 §3.2.1.3
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's platform service inside every virtual network
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local, cloud metadata at .169.254: RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private: RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24), // IETF protocol assignments: RFC 6890 §2.1
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays, deprecated: RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private: RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarking: RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation: RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4), // multicast: RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4), // reserved, and limited broadcast: RFC 1112 §4
];

/// Networks, each with the length of its prefix (1 to 128), from the IANA IPv6 special-purpose
/// address registry unless a comment names another source.
const V6: [(Ipv6Addr, u32); 16] = [
    // Unspecified, loopback (RFC 4291 §2.5) and IPv4-compatible addresses (deprecated there).
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), // IPv4-mapped: RFC 4291 §2.5.5.2
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96), // IPv4-translated: RFC 2765 §2.1
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96), // NAT64: RFC 6052
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48), // NAT64 of a local network: RFC 8215
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),  // discard: RFC 6666
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64),  // dummy prefix: RFC 9780
    // IETF protocol assignments, with Teredo, benchmarking, ORCHID: RFC 2928.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation: RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),     // 6to4: RFC 3056
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),     // documentation: RFC 9637
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16),     // segment routing: RFC 9602
    // Unique local, cloud metadata at fd00:ec2::254: RFC 4193.
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), // link-local: RFC 4291 §2.5.6
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10), // site-local, deprecated: RFC 3879
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),  // multicast: RFC 4291 §2.7
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends of each refused range.
    const REFUSED: &str = "
        0.0.0.0 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.0 100.64.0.1
        100.64.0.100 100.127.255.254 100.127.255.255 127.0.0.0 127.0.0.1 127.255.255.255
        168.63.129.16 169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255
        192.0.0.0 192.0.0.192 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.1 192.168.0.0
        192.168.0.1 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255
        203.0.113.0 203.0.113.255 224.0.0.0 224.0.0.1 233.252.0.1 239.255.255.255 240.0.0.0
        255.255.255.254 255.255.255.255
        :: ::1 ::2 ::7f00:1 ::10.0.0.1 ::8.8.8.8 ::ffff:10.0.0.1 ::ffff:127.0.0.1
        ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:10.0.0.1
        64:ff9b::172.28.0.5 64:ff9b::192.0.2.1 64:ff9b::10.0.0.1 64:ff9b::8.8.8.8
        64:ff9b::255.255.255.255 64:ff9b:1:: 64:ff9b:1:ffff:ffff:ffff:ffff:ffff
        100:: 100::ffff:ffff:ffff:ffff 100:0:0:1::
        2001:: 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:1234:5678:9abc:def0:1234:5678
        2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff
        2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
        2002:: 2002:c000:201::1 2002:a00:1::1 2002:808:808::1 3fff:: 3fff:fff:ffff::1
        5f00::1 fc00:: fd00:ec2::254 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
        fe80:: fe80::1 febf:ffff::1 fec0::1 feff::1 ff00:: ff02::1 ff02::2 ffff::1";

    /// The neighbours of the refused ranges, and well-known servers.
    const PUBLIC: &str = "
        1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.215.14 100.63.255.254
        100.63.255.255 100.128.0.0 100.128.0.1 126.255.255.255 128.0.0.0 168.63.129.15
        168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255
        192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0
        198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
        223.255.255.255
        64:ff9c::1 2001:200:: 2001:4860:4860::8888 2001:db7::1 2001:db9::1 2003::1
        2606:4700:4700::1111 2a04:4e42::223 3ffe:ffff::1 3fff:1000::";

    #[test]
    fn refused() {
        for address in REFUSED.split_whitespace() {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn public() {
        for address in PUBLIC.split_whitespace() {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
