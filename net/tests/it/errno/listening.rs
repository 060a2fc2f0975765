//! Rows 1.6, 1.7, 1.8: the queue of a listener, `accept`, and ports in use.

use super::rows;
use super::system::{Calls, END, bytes};
use counterpoint_net::{Address, Family, SocketOption, SocketType};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

rows! {
    // 1.6.1
    fn one_more_than_the_backlog_may_wait(system) {
        for (backlog, completes) in [(0, 1), (1, 2), (2, 3), (5, 6)] {
            let (_listener, at) = system.listening(backlog);
            let clients: Vec<_> = (0..completes + 1).map(|_| system.tcp()).collect();
            let up = clients.iter().filter(|client| {
                assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
                client.epoll() == "OUT"
            });
            assert_eq!(up.count(), completes);
        }
    }

    // 1.6.9
    fn listening_again_changes_the_backlog(system) {
        let (listener, at) = system.listening(0);
        assert_eq!(listener.listen(1), Ok(()));
        let clients = [system.tcp(), system.tcp()];
        for client in &clients {
            assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
            assert_eq!(client.epoll(), "OUT");
        }
    }

    // 1.7.2
    fn who_sent_and_closed_is_still_accepted(system) {
        let (listener, at) = system.listening(5);
        let client = system.tcp();
        assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
        assert_eq!(client.send(b"hello"), Ok(5));
        drop(client);
        let (served, _) = listener.accept().unwrap();
        assert_eq!(served.epoll(), "IN+OUT+RDHUP");
        assert_eq!(served.read(), bytes("hello"));
        assert_eq!(served.read(), END);
    }

    // 1.7.3, 1.7.4
    fn who_was_reset_is_still_accepted(system) {
        let (listener, at) = system.listening(5);
        let client = system.tcp();
        assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
        let from = client.local();
        client.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        drop(client);
        let (served, address) = listener.accept().unwrap();
        assert_eq!(Ok(address), from);
        assert_eq!(served.peer(), Err("ENOTCONN"));
        assert_eq!(served.epoll(), "IN+OUT+ERR+HUP+RDHUP");
        assert_eq!(served.read(), Err("ECONNRESET"));
        assert_eq!(served.read(), END);
        assert_eq!(served.send(b"x"), Err("EPIPE"));
    }

    // 1.7.5
    fn a_listener_that_closes_resets_who_waits(system) {
        let (listener, at) = system.listening(5);
        let clients = [system.tcp(), system.tcp()];
        clients.iter().for_each(|client| assert_eq!(client.connect_to(at), Err("EINPROGRESS")));
        drop(listener);
        assert_eq!(clients[0].epoll(), "IN+OUT+ERR+HUP+RDHUP");
        assert_eq!(clients[0].read(), Err("ECONNRESET"));
        assert_eq!(clients[1].send(b"x"), Err("ECONNRESET"));
        assert_eq!(clients[1].send(b"x"), Err("EPIPE"));
    }

    // 1.7.6
    fn a_listener_that_was_shut_down_listens_no_more(system) {
        let (listener, at) = system.listening(5);
        let waiting = system.tcp();
        assert_eq!(waiting.connect_to(at), Err("EINPROGRESS"));
        assert_eq!(listener.shutdown(Shutdown::Both), Ok(()));
        assert_eq!(listener.accept().err(), Some("EINVAL"));
        assert_eq!(listener.epoll(), "OUT+HUP");
        assert_eq!(waiting.read(), Err("ECONNRESET"));
        let late = system.tcp();
        assert_eq!(late.connect_to(at), Err("EINPROGRESS"));
        assert_eq!(late.error(), Some("ECONNREFUSED"));
    }

    // 1.7.10
    fn only_a_listener_accepts_and_only_a_fresh_socket_listens(system) {
        assert_eq!(system.tcp().accept().err(), Some("EINVAL"));
        let (client, _served) = system.connection();
        assert_eq!(client.listen(1), Err("EINVAL"));
        let unbound = system.tcp();
        assert_eq!(unbound.listen(1), Ok(()));
        assert_ne!(unbound.local_inet().port(), 0);
    }

    // 1.8.1, 1.8.2
    fn a_bound_socket_cannot_be_bound_and_foreign_addresses_are_not_available(system) {
        let socket = system.tcp();
        socket.bind_to("127.0.0.1:0").unwrap();
        assert_eq!(socket.bind_to("127.0.0.1:0"), Err("EINVAL"));
        assert_eq!(system.tcp().bind_to("192.0.2.1:0"), Err("EADDRNOTAVAIL"));
        assert_eq!(system.tcp().bind_to("127.1.2.3:0"), Ok(()));
        assert_eq!(system.connection().0.bind_to("127.0.0.1:0"), Err("EINVAL"));
    }

    // 1.8.4
    fn two_listeners_want_one_port(system) {
        let (_listener, at) = system.listening(5);
        let other = system.tcp();
        assert_eq!(other.bind(&Address::Inet(at)), Err("EADDRINUSE"));
        other.set(SocketOption::ReuseAddress(true)).unwrap();
        assert_eq!(other.bind(&Address::Inet(at)), Err("EADDRINUSE"));
    }

    // 1.8.5
    fn of_two_that_reuse_an_address_one_may_listen(system) {
        let [first, second] = [system.tcp(), system.tcp()];
        first.set(SocketOption::ReuseAddress(true)).unwrap();
        second.set(SocketOption::ReuseAddress(true)).unwrap();
        first.bind_to("127.0.0.1:0").unwrap();
        assert_eq!(second.bind(&first.local().unwrap()), Ok(()));
        assert_eq!(first.listen(1), Ok(()));
        assert_eq!(second.listen(1), Err("EADDRINUSE"));
    }

    // 1.8.6
    fn reuse_is_asked_of_both(system) {
        let [first, second] = [system.tcp(), system.tcp()];
        second.set(SocketOption::ReuseAddress(true)).unwrap();
        first.bind_to("127.0.0.1:0").unwrap();
        assert_eq!(second.bind(&first.local().unwrap()), Err("EADDRINUSE"));
    }

    // 1.8.7, 1.8.8
    fn any_address_contains_the_loopback(system) {
        let (listener, at) = system.listening(1);
        let any = SocketAddr::new([0, 0, 0, 0].into(), at.port());
        assert_eq!(system.tcp().bind(&Address::Inet(any)), Err("EADDRINUSE"));
        let next = SocketAddr::new([127, 0, 0, 2].into(), at.port());
        assert_eq!(system.tcp().bind(&Address::Inet(next)), Ok(()));
        drop(listener);
        let listener = system.tcp();
        listener.bind_to("0.0.0.0:0").unwrap();
        assert_eq!(system.tcp().bind(&Address::Inet(listener.port_of_loopback())), Err("EADDRINUSE"));
    }

    // 1.8.9, 1.8.10
    fn any_address_of_ipv6_contains_those_of_ipv4_unless_it_is_of_ipv6_only(system) {
        let both = system.socket(Family::Inet6, SocketType::Stream);
        both.bind_to("[::]:0").unwrap();
        let any = |port| Address::Inet(SocketAddr::new([0, 0, 0, 0].into(), port));
        assert_eq!(system.tcp().bind(&any(both.local_inet().port())), Err("EADDRINUSE"));
        let only = system.socket(Family::Inet6, SocketType::Stream);
        only.set(SocketOption::OnlyV6(true)).unwrap();
        only.bind_to("[::]:0").unwrap();
        assert_eq!(system.tcp().bind(&any(only.local_inet().port())), Ok(()));
    }

    // 1.8.11, 1.8.12
    fn sharing_a_port_is_asked_of_both(system) {
        let [first, second, third] = [system.tcp(), system.tcp(), system.tcp()];
        first.set(SocketOption::ReusePort(true)).unwrap();
        second.set(SocketOption::ReusePort(true)).unwrap();
        first.bind_to("127.0.0.1:0").unwrap();
        assert_eq!(second.bind(&first.local().unwrap()), Ok(()));
        assert_eq!((first.listen(1), second.listen(1)), (Ok(()), Ok(())));
        assert_eq!(third.bind(&first.local().unwrap()), Err("EADDRINUSE"));
    }

    // 1.8.15
    fn tcp_and_udp_have_ports_of_their_own(system) {
        let (_listener, at) = system.listening(1);
        assert_eq!(system.udp().bind(&Address::Inet(at)), Ok(()));
    }

    // 1.8.16, 1.8.17, 1.8.18
    fn a_port_whose_server_closed_first_waits_its_minute(system) {
        for (old, new, says) in [(false, false, Err("EADDRINUSE")), (true, true, Ok(())), (false, true, Err("EADDRINUSE"))] {
            let listener = system.tcp();
            listener.set(SocketOption::ReuseAddress(old)).unwrap();
            listener.bind_to("127.0.0.1:0").unwrap();
            listener.listen(1).unwrap();
            let at = listener.local_inet();
            let client = system.tcp();
            assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
            drop(listener.accept().unwrap());
            drop((listener, client));
            let again = system.tcp();
            again.set(SocketOption::ReuseAddress(new)).unwrap();
            assert_eq!(again.bind(&Address::Inet(at)), says, "reuse by the old {old}, by the new {new}");
        }
    }

    // 1.8.19
    fn a_port_whose_client_closed_first_is_free(system) {
        let (listener, at) = system.listening(1);
        let client = system.tcp();
        assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
        let served = listener.accept().unwrap();
        drop(client);
        drop((served, listener));
        assert_eq!(system.tcp().bind(&Address::Inet(at)), Ok(()));
    }

    // 1.8.20, 1.8.21
    fn a_connection_that_goes_on_holds_its_port(system) {
        for (reuse, says) in [(true, Ok(())), (false, Err("EADDRINUSE"))] {
            let listener = system.tcp();
            listener.set(SocketOption::ReuseAddress(reuse)).unwrap();
            listener.bind_to("127.0.0.1:0").unwrap();
            listener.listen(1).unwrap();
            let at = listener.local_inet();
            let client = system.tcp();
            assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
            let (served, _) = listener.accept().unwrap();
            drop(listener);
            let again = system.tcp();
            again.set(SocketOption::ReuseAddress(reuse)).unwrap();
            assert_eq!(again.bind(&Address::Inet(at)), says);
            assert_eq!(served.send(b"x"), Ok(1));
        }
    }

    // 1.10.5
    fn an_address_of_ipv6_that_is_not_ours_is_not_available(system) {
        let socket = system.socket(Family::Inet6, SocketType::Stream);
        assert_eq!(socket.bind_to("[2001:db8::1]:0"), Err("EADDRNOTAVAIL"));
    }
}
