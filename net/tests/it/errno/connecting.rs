//! Rows 1.1, 1.2, 1.10: refused, connected, in between, and two families.

use super::rows;
use super::system::{Calls, END, bytes};
use counterpoint_net::{Address, Family, SocketOption, SocketType};
use std::net::{Shutdown, SocketAddr};

rows! {
    // 1.1.8, 1.1.9, 1.1.10, 1.1.11
    fn a_refused_attempt_is_told_by_so_error_once(system) {
        let client = system.tcp();
        assert_eq!(client.connect_to(system.free_port()), Err("EINPROGRESS"));
        assert_eq!(client.epoll(), "IN+OUT+ERR+HUP+RDHUP");
        assert_eq!(client.error(), Some("ECONNREFUSED"));
        assert_eq!(client.error(), None);
        assert_eq!(client.epoll(), "IN+OUT+HUP+RDHUP");
        assert_eq!(client.read(), END);
        assert_eq!(client.send(b"x"), Err("EPIPE"));
    }

    // 1.1.3, 1.1.4
    fn who_is_bound_but_does_not_listen_refuses(system) {
        let bound = system.tcp();
        bound.bind_to("127.0.0.1:0").unwrap();
        for to in [bound.local_inet(), "127.0.0.1:0".parse().unwrap()] {
            let client = system.tcp();
            assert_eq!(client.connect_to(to), Err("EINPROGRESS"));
            assert_eq!(client.error(), Some("ECONNREFUSED"));
        }
    }

    // 1.1.12
    fn a_read_takes_the_refusal(system) {
        let client = system.tcp();
        assert_eq!(client.connect_to(system.free_port()), Err("EINPROGRESS"));
        assert_eq!(client.read(), Err("ECONNREFUSED"));
        assert_eq!(client.read(), END);
    }

    // 1.1.13
    fn a_write_takes_the_refusal(system) {
        let client = system.tcp();
        assert_eq!(client.connect_to(system.free_port()), Err("EINPROGRESS"));
        assert_eq!(client.send(b"x"), Err("ECONNREFUSED"));
        assert_eq!(client.error(), None);
        assert_eq!(client.send(b"x"), Err("EPIPE"));
    }

    // 1.1.14
    fn another_connect_takes_the_refusal_and_the_one_after_begins_anew(system) {
        let client = system.tcp();
        let port = system.free_port();
        assert_eq!(client.connect_to(port), Err("EINPROGRESS"));
        assert_eq!(client.connect_to(port), Err("ECONNREFUSED"));
        assert_eq!(client.connect_to(port), Err("EINPROGRESS"));
    }

    // 1.1.7
    fn a_port_that_refused_is_not_remembered(system) {
        let port = system.free_port();
        assert_eq!(system.tcp().connect_to(port), Err("EINPROGRESS"));
        let listener = system.tcp();
        listener.bind(&Address::Inet(port)).unwrap();
        listener.listen(1).unwrap();
        let client = system.tcp();
        assert_eq!(client.connect_to(port), Err("EINPROGRESS"));
        assert_eq!(client.connect_to(port), Ok(()));
    }

    // 1.2.1, 1.2.2, 1.7.1
    fn on_the_loopback_a_connection_is_up_when_the_call_returns(system) {
        let (listener, at) = system.listening(5);
        assert_eq!(listener.epoll(), "none");
        assert_eq!(listener.accept().err(), Some("EAGAIN"));
        let client = system.tcp();
        assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
        assert_eq!(client.epoll(), "OUT");
        assert_eq!(listener.epoll(), "IN");
        assert_eq!(client.connect_to(at), Ok(()));
        assert_eq!(client.connect_to(at), Err("EISCONN"));
    }

    // 1.2.4
    fn a_listener_that_connects_is_connected_already(system) {
        let (listener, at) = system.listening(5);
        assert_eq!(listener.connect_to(at), Err("EISCONN"));
    }

    // 1.2.5, 1.2.6, 1.2.7, 1.2.8, 1.6.2
    fn while_it_connects_everything_waits(system) {
        let (_listener, at) = system.listening(0);
        let first = system.tcp();
        assert_eq!(first.connect_to(at), Err("EINPROGRESS"));
        let client = system.tcp(); // no room for it
        assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
        assert_eq!(client.connect_to(at), Err("EALREADY"));
        assert_eq!(client.read(), Err("EAGAIN"));
        assert_eq!(client.send(b"x"), Err("EAGAIN"));
        assert_eq!(client.peer(), Err("ENOTCONN"));
        assert_ne!(client.local_inet().port(), 0);
        assert_eq!(client.epoll(), "none");
    }

    // 1.2.9
    fn a_shutdown_ends_an_attempt(system) {
        let (_listener, at) = system.listening(0);
        let first = system.tcp();
        assert_eq!(first.connect_to(at), Err("EINPROGRESS"));
        let client = system.tcp();
        assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
        assert_eq!(client.shutdown(Shutdown::Write), Ok(()));
        assert_eq!(client.epoll(), "OUT+ERR+HUP");
    }

    // 1.2.10, 1.2.11
    fn a_fresh_socket_is_writable_and_hung_up(system) {
        let fresh = system.tcp();
        assert_eq!(fresh.epoll(), "OUT+HUP");
        assert_eq!(fresh.read(), Err("ENOTCONN"));
        assert_eq!(fresh.send(b"x"), Err("EPIPE"));
        assert_eq!(fresh.shutdown(Shutdown::Both), Err("ENOTCONN"));
        assert_eq!(fresh.peer(), Err("ENOTCONN"));
    }

    // 1.2.13
    fn any_address_is_the_loopback_to_who_connects(system) {
        let (_listener, at) = system.listening(5);
        let client = system.tcp();
        assert_eq!(client.connect_to(SocketAddr::new([0, 0, 0, 0].into(), at.port())), Err("EINPROGRESS"));
        assert_eq!(client.peer(), Ok(Address::Inet(at)));
    }

    // 1.2.14
    fn broadcasts_and_groups_take_no_connections(system) {
        for to in ["255.255.255.255:80", "224.0.0.1:80"] {
            assert_eq!(system.tcp().connect_to(to.parse().unwrap()), Err("ENETUNREACH"));
        }
    }

    // 1.2.15
    fn an_address_of_the_other_family_is_refused(system) {
        assert_eq!(system.tcp().connect_to("[::1]:80".parse().unwrap()), Err("EAFNOSUPPORT"));
    }

    // 1.2.16
    fn a_socket_may_connect_to_itself(system) {
        let own = system.tcp();
        own.bind_to("127.0.0.1:0").unwrap();
        assert_eq!(own.connect_to(own.local_inet()), Err("EINPROGRESS"));
        assert_eq!(own.connect_to(own.local_inet()), Ok(()));
        assert_eq!(own.send(b"me"), Ok(2));
        assert_eq!(own.read(), bytes("me"));
    }

    // 1.10.1, 1.10.2
    fn a_listener_of_ipv6_serves_ipv4_in_its_own_clothes(system) {
        let listener = system.socket(Family::Inet6, SocketType::Stream);
        listener.bind_to("[::]:0").unwrap();
        listener.listen(5).unwrap();
        let client = system.tcp();
        assert_eq!(client.connect_to(listener.port_of_loopback()), Err("EINPROGRESS"));
        let (served, from) = listener.accept().unwrap();
        let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", client.local_inet().port()).parse().unwrap();
        assert_eq!(from, Address::Inet(mapped));
        assert_eq!(served.local_inet().ip().to_string(), "::ffff:127.0.0.1");
    }

    // 1.10.3
    fn a_socket_of_ipv6_reaches_ipv4_unless_it_is_of_ipv6_only(system) {
        let (_listener, at) = system.listening(5);
        let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", at.port()).parse().unwrap();
        let client = system.socket(Family::Inet6, SocketType::Stream);
        assert_eq!(client.connect_to(mapped), Err("EINPROGRESS"));
        assert_eq!(client.connect_to(mapped), Ok(()));
        let only = system.socket(Family::Inet6, SocketType::Stream);
        only.set(SocketOption::OnlyV6(true)).unwrap();
        assert_eq!(only.connect_to(mapped), Err("ENETUNREACH"));
    }

    // 1.10.4
    fn who_listens_at_one_family_refuses_the_other(system) {
        let listener = system.socket(Family::Inet6, SocketType::Stream);
        listener.bind_to("[::1]:0").unwrap();
        listener.listen(5).unwrap();
        let client = system.tcp();
        assert_eq!(client.connect_to(listener.port_of_loopback()), Err("EINPROGRESS"));
        assert_eq!(client.error(), Some("ECONNREFUSED"));
    }
}
