//! Rows 2.1, 2.3: bytes, and half a connection.

use super::rows;
use super::system::{Calls, END, bytes};
use std::net::Shutdown;

rows! {
    // 2.1.1
    fn boundaries_of_writes_vanish(system) {
        let (client, served) = system.connection();
        for _ in 0..3 {
            assert_eq!(client.send(b"abc"), Ok(3));
        }
        assert_eq!(served.read(), bytes("abcabcabc"));
        assert_eq!(client.send(b"0123456789"), Ok(10));
        assert_eq!(served.receive(4, false), bytes("0123"));
        assert_eq!(served.read(), bytes("456789"));
    }

    // 2.1.2, 2.1.3
    fn nothing_to_read_and_nothing_asked_are_two_things(system) {
        let (client, served) = system.connection();
        assert_eq!(served.read(), Err("EAGAIN"));
        assert_eq!(client.send(b""), Ok(0));
        assert_eq!(served.read(), Err("EAGAIN"));
        assert_eq!(client.send(b"x"), Ok(1));
        assert_eq!(served.receive(10, true), bytes("x"));
        assert_eq!(served.receive(0, false), END);
        assert_eq!(served.read(), bytes("x"));
    }

    // 2.3.1, 2.3.2, 2.8.5
    fn half_a_connection_goes_on(system) {
        let (client, served) = system.connection();
        assert_eq!(client.send(b"question"), Ok(8));
        assert_eq!(client.shutdown(Shutdown::Write), Ok(()));
        assert_eq!(client.epoll(), "OUT");
        assert_eq!(client.send(b"x"), Err("EPIPE"));
        assert_eq!(served.epoll(), "IN+OUT+RDHUP");
        assert_eq!(served.read(), bytes("question"));
        assert_eq!((served.read(), served.read()), (END, END));
        assert_eq!(served.send(b"answer"), Ok(6));
        assert_eq!(client.read(), bytes("answer"));
    }

    // 2.3.3, 2.3.4
    fn closing_politely_after_the_other_end_is_an_error(system) {
        let (client, served) = system.connection();
        assert_eq!(client.shutdown(Shutdown::Write), Ok(()));
        assert_eq!(client.shutdown(Shutdown::Write), Ok(()));
        assert_eq!(served.shutdown(Shutdown::Write), Ok(()));
        assert_eq!(served.epoll(), "IN+OUT+HUP+RDHUP");
        assert_eq!(served.read(), END);
        assert_eq!(served.shutdown(Shutdown::Write), Err("ENOTCONN"));
        assert_eq!(served.peer(), Err("ENOTCONN"));
    }

    // 2.3.5, 2.3.6, 2.3.7
    fn an_end_of_reading_is_known_to_nobody_else(system) {
        let (client, served) = system.connection();
        assert_eq!(client.send(b"before"), Ok(6));
        assert_eq!(served.shutdown(Shutdown::Read), Ok(()));
        assert_eq!(served.epoll(), "IN+OUT+RDHUP");
        assert_eq!(served.read(), bytes("before"));
        assert_eq!(served.read(), END);
        assert_eq!(client.send(b"after"), Ok(5));
        assert_eq!(client.epoll(), "OUT");
        assert_eq!(served.read(), bytes("after"));
        assert_eq!(served.read(), END);
    }
}
