//! Rows 3.1 to 3.5: UDP.

use super::rows;
use super::system::{Answer, Calls, System, bytes};
use counterpoint_net::{Address, Family, SocketOption, SocketType};
use std::net::{IpAddr, SocketAddr};

fn bound<S: System>(system: &S) -> (S::Socket, Address) {
    let socket = system.udp();
    socket.bind_to("127.0.0.1:0").unwrap();
    let at = socket.local().unwrap();
    (socket, at)
}

fn what<T>(received: Answer<(Vec<u8>, T)>) -> Answer<Vec<u8>> {
    received.map(|(data, _)| data)
}

rows! {
    // 3.1.1, 3.1.3
    fn a_port_is_one_sockets_unless_all_share_it(system) {
        let (_first, at) = bound(system);
        let second = system.udp();
        assert_eq!(second.bind(&at), Err("EADDRINUSE"));
        let any = SocketAddr::new([0, 0, 0, 0].into(), at.inet().unwrap().port());
        assert_eq!(second.bind(&Address::Inet(any)), Err("EADDRINUSE"));
        let [one, other] = [system.udp(), system.udp()];
        one.set(SocketOption::ReusePort(true)).unwrap();
        other.set(SocketOption::ReusePort(true)).unwrap();
        one.bind_to("127.0.0.1:0").unwrap();
        assert_eq!(other.bind(&one.local().unwrap()), Ok(()));
    }

    // 3.1.2
    fn a_second_socket_can_steal_a_port(system) {
        let [first, second] = [system.udp(), system.udp()];
        first.set(SocketOption::ReuseAddress(true)).unwrap();
        second.set(SocketOption::ReuseAddress(true)).unwrap();
        first.bind_to("127.0.0.1:0").unwrap();
        let at = first.local().unwrap();
        assert_eq!(second.bind(&at), Ok(()));
        assert_eq!(system.udp().send_to(b"x", &at), Ok(1));
        assert_eq!(first.read(), Err("EAGAIN"));
        assert_eq!(second.read(), bytes("x"));
    }

    // 3.1.4
    fn the_address_that_fits_best_gets_it(system) {
        let [any, specific] = [system.udp(), system.udp()];
        any.set(SocketOption::ReuseAddress(true)).unwrap();
        specific.set(SocketOption::ReuseAddress(true)).unwrap();
        specific.bind_to("127.0.0.1:0").unwrap();
        let at = specific.local_inet();
        any.bind(&Address::Inet(SocketAddr::new([0, 0, 0, 0].into(), at.port()))).unwrap();
        assert_eq!(system.udp().send_to(b"x", &Address::Inet(at)), Ok(1));
        assert_eq!(any.read(), Err("EAGAIN"));
        assert_eq!(specific.read(), bytes("x"));
    }

    // 3.1.5, 3.1.6, 3.1.7
    fn a_fresh_socket_is_bound_when_it_first_sends(system) {
        let (receiver, at) = bound(system);
        let fresh = system.udp();
        assert_eq!(fresh.epoll(), "OUT");
        assert_eq!(fresh.read(), Err("EAGAIN"));
        assert_eq!(fresh.send_to(b"x", &at), Ok(1));
        let own = fresh.local_inet();
        assert!(own.ip().is_unspecified() && own.port() != 0);
        assert_eq!(receiver.epoll(), "IN+OUT");
    }

    // 3.1.8
    fn port_zero_can_be_connected_to_but_not_sent_to(system) {
        let nowhere = Address::Inet("127.0.0.1:0".parse().unwrap());
        assert_eq!(system.udp().send_to(b"x", &nowhere), Err("EINVAL"));
        assert_eq!(system.udp().connect(&nowhere), Ok(()));
    }

    // 3.1.9
    fn any_address_is_the_loopback_to_who_sends(system) {
        let (receiver, at) = bound(system);
        let any = SocketAddr::new([0, 0, 0, 0].into(), at.inet().unwrap().port());
        assert_eq!(system.udp().send_to(b"x", &Address::Inet(any)), Ok(1));
        assert_eq!(receiver.read(), bytes("x"));
    }

    // 3.1.10, 3.1.11
    fn a_connected_socket_sends_elsewhere_and_can_be_connected_again(system) {
        let [(first, to_first), (second, to_second)] = [bound(system), bound(system)];
        let sender = system.udp();
        sender.connect(&to_first).unwrap();
        assert_eq!(sender.send_to(b"elsewhere", &to_second), Ok(9));
        assert_eq!(second.read(), bytes("elsewhere"));
        assert_eq!(sender.send(b"x"), Ok(1));
        assert_eq!(first.read(), bytes("x"));
        assert_eq!(sender.connect(&to_second), Ok(()));
        assert_eq!(sender.peer(), Ok(to_second));
    }

    // 3.1.13
    fn what_has_no_destination_is_not_sent(system) {
        let socket = system.udp();
        assert_eq!(socket.send(b"x"), Err("EDESTADDRREQ"));
        assert_eq!(socket.send_to(b"x", &Address::Inet("[::1]:9".parse().unwrap())), Err("EAFNOSUPPORT"));
        assert_eq!(socket.listen(1), Err("EOPNOTSUPP"));
        assert_eq!(socket.accept().err(), Some("EOPNOTSUPP"));
        assert_eq!(socket.peer(), Err("ENOTCONN"));
        assert_eq!(socket.shutdown(std::net::Shutdown::Both), Err("ENOTCONN"));
    }

    // 3.2.1
    fn a_connected_socket_hears_its_peer_only(system) {
        let (receiver, at) = bound(system);
        let (_peer, to_peer) = bound(system);
        receiver.connect(&to_peer).unwrap();
        assert_eq!(system.udp().send_to(b"x", &at), Ok(1));
        assert_eq!(receiver.read(), Err("EAGAIN"));
    }

    // 3.2.2
    fn what_came_before_the_connect_stays(system) {
        let (receiver, at) = bound(system);
        let (_peer, to_peer) = bound(system);
        assert_eq!(system.udp().send_to(b"x", &at), Ok(1));
        receiver.connect(&to_peer).unwrap();
        assert_eq!(receiver.read(), bytes("x"));
    }

    // 3.2.3, 3.2.4, 3.2.5
    fn a_datagram_is_taken_whole_or_cut(system) {
        let (receiver, at) = bound(system);
        let sender = system.udp();
        sender.bind_to("127.0.0.1:0").unwrap();
        for data in ["0123456789", "", "taken by a read of nothing", "last"] {
            assert_eq!(sender.send_to(data.as_bytes(), &at), Ok(data.len()));
        }
        assert_eq!(receiver.receive(4, false), bytes("0123"));
        assert_eq!(receiver.receive_from(100), Ok((Vec::new(), sender.local().unwrap())));
        assert_eq!(receiver.receive(0, false), bytes(""));
        assert_eq!(receiver.read(), bytes("last"));
    }

    // 3.2.7, 3.2.8
    fn a_full_receiver_drops_the_new_ones(system) {
        let (receiver, at) = bound(system);
        let sender = system.udp();
        for number in 0..400u32 {
            assert_eq!(sender.send_to(&number.to_be_bytes(), &at), Ok(4));
        }
        let mut kept = Vec::new();
        while let Ok(data) = receiver.read() {
            kept.push(u32::from_be_bytes(data.try_into().unwrap()));
        }
        assert_eq!(kept, (0..256).collect::<Vec<u32>>());
    }

    // 3.3.1, 3.3.2
    fn the_largest_datagram_has_65507_bytes(system) {
        let (receiver, at) = bound(system);
        assert_eq!(system.udp().send_to(&vec![0; 65_507], &at), Ok(65_507));
        assert_eq!(receiver.receive(70_000, false).map(|data| data.len()), Ok(65_507));
        assert_eq!(system.udp().send_to(&vec![0; 65_508], &at), Err("EMSGSIZE"));
    }

    // 3.4.1
    fn an_unconnected_socket_never_hears_that_nobody_is_there(system) {
        let socket = system.udp();
        let nobody = Address::Inet(system.free_port());
        assert_eq!(socket.send_to(b"x", &nobody), Ok(1));
        assert_eq!(socket.error(), None);
        assert_eq!(socket.read(), Err("EAGAIN"));
    }

    // 3.4.2, 3.4.3, 3.4.4, 2.8.10
    fn a_connected_socket_hears_it_with_its_next_call_once(system) {
        let socket = system.udp();
        socket.connect(&Address::Inet(system.free_port())).unwrap();
        assert_eq!(socket.send(b"x"), Ok(1));
        assert_eq!(socket.epoll(), "OUT+ERR");
        assert_eq!(socket.read(), Err("ECONNREFUSED"));
        assert_eq!(socket.read(), Err("EAGAIN"));
        assert_eq!(socket.send(b"x"), Ok(1));
        assert_eq!(socket.send(b"not sent"), Err("ECONNREFUSED"));
        assert_eq!(socket.error(), None);
        assert_eq!(socket.send(b"x"), Ok(1));
        assert_eq!(socket.error(), Some("ECONNREFUSED"));
    }

    // 3.5.1
    fn a_broadcast_needs_its_option(system) {
        for to in ["255.255.255.255:9", "127.255.255.255:9"] {
            let to = Address::Inet(to.parse().unwrap());
            assert_eq!(system.udp().send_to(b"x", &to), Err("EACCES"));
            assert_eq!(system.udp().connect(&to), Err("EACCES"));
        }
    }

    // 3.5.2
    fn a_broadcast_is_heard_by_who_is_bound_to_any(system) {
        let [any, specific, sender] = [system.udp(), system.udp(), system.udp()];
        any.bind_to("0.0.0.0:0").unwrap();
        specific.bind_to("127.0.0.1:0").unwrap();
        sender.set(SocketOption::Broadcast(true)).unwrap();
        for receiver in [&any, &specific] {
            let port = receiver.local_inet().port();
            let to = Address::Inet(SocketAddr::new([127, 255, 255, 255].into(), port));
            assert_eq!(sender.send_to(b"x", &to), Ok(1));
        }
        assert_eq!(any.read(), bytes("x"));
        assert_eq!(specific.read(), Err("EAGAIN"));
    }

    // 3.5.3
    fn a_group_is_joined_once_and_left_once(system) {
        let group: IpAddr = [224, 0, 0, 251].into();
        let socket = system.udp();
        assert_eq!(socket.join([127, 0, 0, 1].into()), Err("EINVAL"));
        assert_eq!(socket.leave(group), Err("EADDRNOTAVAIL"));
        assert_eq!(socket.join(group), Ok(()));
        assert_eq!(socket.join(group), Err("EADDRINUSE"));
        assert_eq!(socket.leave(group), Ok(()));
    }

    // 3.5.8
    fn a_group_can_be_bound(system) {
        assert_eq!(system.udp().bind_to("224.0.0.251:0"), Ok(()));
    }

    // 3.3, of IPv6
    fn what_a_socket_of_ipv6_hears_from_ipv4_is_mapped(system) {
        let receiver = system.socket(Family::Inet6, SocketType::Datagram);
        receiver.bind_to("[::]:0").unwrap();
        let sender = system.udp();
        sender.bind_to("127.0.0.1:0").unwrap();
        assert_eq!(sender.send_to(b"x", &Address::Inet(receiver.port_of_loopback())), Ok(1));
        let (_, from) = receiver.receive_from(10).unwrap();
        assert_eq!(from.inet().unwrap().ip().to_string(), "::ffff:127.0.0.1");
        assert_eq!(what(receiver.receive_from(10)), Err("EAGAIN"));
    }
}
