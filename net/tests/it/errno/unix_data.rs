//! Rows 4.3, 4.4: what Unix sockets carry.

use super::rows;
use super::system::{Calls, END, System, bytes};
use counterpoint_net::{Address, Family, SocketOption, SocketType};
use std::net::Shutdown;
use std::time::Duration;

fn streams<S: System>(system: &S) -> (S::Socket, S::Socket) {
    system.pair(SocketType::Stream)
}

fn messages<S: System>(system: &S, name: &str) -> (S::Socket, Address) {
    let at = system.path(name);
    let socket = system.socket(Family::Unix, SocketType::Datagram);
    socket.bind(&at).unwrap();
    (socket, at)
}

rows! {
    // 2.8.11, 4.3.5
    fn a_write_of_nothing_is_seen_by_nobody(system) {
        let (one, other) = streams(system);
        assert_eq!(system.unix().epoll(), "OUT+HUP");
        assert_eq!(one.send(b""), Ok(0));
        assert_eq!(other.read(), Err("EAGAIN"));
        assert_eq!(other.epoll(), "OUT");
    }

    // 4.3.6
    fn a_unix_stream_has_no_free_write_after_the_end(system) {
        let (one, other) = streams(system);
        drop(other);
        assert_eq!(one.epoll(), "IN+OUT+HUP+RDHUP");
        assert_eq!(one.read(), END);
        assert_eq!(one.send(b"x"), Err("EPIPE"));
    }

    // 4.3.7
    fn what_a_unix_peer_sent_before_it_closed_stays(system) {
        let (one, other) = streams(system);
        assert_eq!(other.send(b"answer"), Ok(6));
        drop(other);
        assert_eq!(one.send(b"x"), Err("EPIPE"));
        assert_eq!((one.read(), one.read()), (bytes("answer"), END));
    }

    // 4.3.8
    fn a_unix_peer_that_closes_with_unread_bytes_resets(system) {
        let (one, other) = streams(system);
        assert_eq!(one.send(b"unread"), Ok(6));
        drop(other);
        assert_eq!(one.epoll(), "IN+OUT+ERR+HUP+RDHUP");
        assert_eq!((one.read(), one.read()), (Err("ECONNRESET"), END));
        assert_eq!(one.send(b"x"), Err("EPIPE"));
    }

    // 4.3.9
    fn a_write_leaves_the_reset_of_a_unix_stream_to_a_read(system) {
        let (one, other) = streams(system);
        assert_eq!(one.send(b"unread"), Ok(6));
        drop(other);
        assert_eq!(one.send(b"x"), Err("EPIPE"));
        assert_eq!(one.read(), Err("ECONNRESET"));
    }

    // 4.3.10
    fn an_answer_before_the_reset_of_a_unix_stream_stays(system) {
        let (one, other) = streams(system);
        assert_eq!(other.send(b"answer"), Ok(6));
        assert_eq!(one.send(b"unread"), Ok(6));
        drop(other);
        assert_eq!((one.read(), one.read()), (bytes("answer"), Err("ECONNRESET")));
    }

    // 4.3.13
    fn linger_means_nothing_to_a_unix_stream(system) {
        let (one, other) = streams(system);
        other.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        drop(other);
        assert_eq!(one.read(), END);
    }

    // 4.3.14, 4.3.15
    fn half_a_unix_connection_goes_on(system) {
        let (one, other) = streams(system);
        assert_eq!(one.shutdown(Shutdown::Write), Ok(()));
        assert_eq!(other.epoll(), "IN+OUT+RDHUP");
        assert_eq!(other.read(), END);
        assert_eq!(one.send(b"x"), Err("EPIPE"));
        assert_eq!(other.send(b"answer"), Ok(6));
        assert_eq!(one.read(), bytes("answer"));
        assert_eq!(other.shutdown(Shutdown::Write), Ok(()));
        assert_eq!(other.epoll(), "IN+OUT+HUP+RDHUP");
        assert!(other.peer().is_ok());
    }

    // 4.3.16, 4.3.17
    fn an_end_of_reading_is_told_to_a_unix_peer(system) {
        let (one, other) = streams(system);
        assert_eq!(other.send(b"before"), Ok(6));
        assert_eq!(one.shutdown(Shutdown::Read), Ok(()));
        assert_eq!(other.send(b"x"), Err("EPIPE"));
        assert_eq!((one.read(), one.read()), (bytes("before"), END));
    }

    // 4.4.1, 4.4.2, 4.4.3, 4.4.9
    fn eleven_messages_wait_and_the_twelfth_does_not(system) {
        let (receiver, at) = messages(system, "receiver");
        let [loose, connected] = [(); 2].map(|()| system.socket(Family::Unix, SocketType::Datagram));
        connected.connect(&at).unwrap();
        for number in 0..11u8 {
            assert_eq!(loose.send_to(&[number], &at), Ok(1));
        }
        assert_eq!(loose.send_to(b"x", &at), Err("EAGAIN"));
        assert_eq!(connected.send(b"x"), Err("EAGAIN"));
        assert_eq!(loose.epoll(), "OUT");
        assert_eq!(connected.epoll(), "none");
        assert_eq!(receiver.read(), Ok(vec![0]));
        assert_eq!(connected.epoll(), "OUT");
        assert_eq!((1..11u8).map(|number| vec![number]).collect::<Vec<_>>(), (1..11).map(|_| receiver.read().unwrap()).collect::<Vec<_>>());
    }

    // 4.4.5
    fn a_message_may_be_as_large_as_the_buffer(system) {
        let (one, other) = system.pair(SocketType::Datagram);
        assert_eq!(one.send(&vec![0; 213_000]), Err("EMSGSIZE"));
        assert_eq!(one.send(&vec![0; 212_000]), Ok(212_000));
        assert_eq!(other.receive(300_000, false).map(|data| data.len()), Ok(212_000));
    }

    // 4.4.6
    fn a_message_needs_somebody_there(system) {
        let sender = system.socket(Family::Unix, SocketType::Datagram);
        assert_eq!(sender.send(b"x"), Err("ENOTCONN"));
        assert_eq!(sender.send_to(b"x", &system.path("nobody")), Err("ENOENT"));
        let (receiver, at) = messages(system, "receiver");
        sender.connect(&at).unwrap();
        drop(receiver);
        assert_eq!(sender.epoll(), "OUT");
        assert_eq!(sender.send(b"x"), Err("ECONNREFUSED"));
        assert_eq!(sender.send_to(b"x", &at), Err("ECONNREFUSED"));
        assert_eq!(sender.read(), Err("EAGAIN"));
    }

    // 4.4.7
    fn who_is_connected_hears_its_peer_only(system) {
        let [(first, to_first), (_second, to_second)] = ["first", "second"].map(|name| messages(system, name));
        first.connect(&to_second).unwrap();
        let stranger = system.socket(Family::Unix, SocketType::Datagram);
        assert_eq!(stranger.send_to(b"x", &to_first), Err("EPERM"));
    }

    // 4.4.8, 4.4.10
    fn a_message_is_taken_whole_or_cut(system) {
        let (one, other) = system.pair(SocketType::Datagram);
        assert_eq!(one.send(b"0123456789"), Ok(10));
        assert_eq!(one.send(b""), Ok(0));
        assert_eq!(one.send(b"last"), Ok(4));
        assert_eq!(other.receive(4, false), bytes("0123"));
        assert_eq!((other.read(), other.read()), (bytes(""), bytes("last")));
    }
}
