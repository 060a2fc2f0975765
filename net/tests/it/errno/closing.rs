//! Row 2.4: what the end of the other end looks like.

use super::rows;
use super::system::{Calls, END, bytes};
use counterpoint_net::SocketOption;
use std::net::Shutdown;
use std::time::Duration;

rows! {
    // 2.4.1 to 2.4.5
    fn after_a_clean_close_the_first_write_passes_and_the_second_does_not(system) {
        let (client, served) = system.connection();
        drop(client);
        assert_eq!(served.epoll(), "IN+OUT+RDHUP");
        assert_eq!((served.read(), served.read()), (END, END));
        assert_eq!(served.send(b"x"), Ok(1));
        assert_eq!(served.epoll(), "IN+OUT+ERR+HUP+RDHUP");
        assert_eq!(served.read(), END);
        assert_eq!(served.send(b"x"), Err("EPIPE"));
    }

    // 2.4.5
    fn a_reset_behind_the_end_is_a_broken_pipe(system) {
        let (client, served) = system.connection();
        drop(client);
        assert_eq!(served.send(b"x"), Ok(1));
        assert_eq!(served.error(), Some("EPIPE"));
        assert_eq!(served.error(), None);
    }

    // 2.4.6
    fn what_was_sent_before_the_end_is_not_lost_by_our_write(system) {
        let (client, served) = system.connection();
        assert_eq!(client.send(b"answer"), Ok(6));
        drop(client);
        assert_eq!(served.send(b"x"), Ok(1));
        assert_eq!(served.read(), bytes("answer"));
        assert_eq!(served.read(), END);
    }

    // 2.4.7
    fn closing_with_unread_bytes_resets(system) {
        let (client, served) = system.connection();
        assert_eq!(served.send(b"unread"), Ok(6));
        drop(client);
        assert_eq!(served.epoll(), "IN+OUT+ERR+HUP+RDHUP");
        assert_eq!(served.read(), Err("ECONNRESET"));
        assert_eq!(served.read(), END);
    }

    // 2.4.8
    fn a_write_takes_the_reset(system) {
        let (client, served) = system.connection();
        assert_eq!(served.send(b"unread"), Ok(6));
        drop(client);
        assert_eq!(served.send(b"x"), Err("ECONNRESET"));
        assert_eq!(served.send(b"x"), Err("EPIPE"));
        assert_eq!(served.read(), END);
    }

    // 2.4.9
    fn what_came_before_a_reset_can_be_read(system) {
        let (client, served) = system.connection();
        assert_eq!(client.send(b"answer"), Ok(6));
        assert_eq!(served.send(b"unread"), Ok(6));
        drop(client);
        assert_eq!(served.read(), bytes("answer"));
        assert_eq!(served.read(), Err("ECONNRESET"));
        assert_eq!(served.read(), END);
    }

    // 2.4.10
    fn a_linger_of_zero_resets(system) {
        let (client, served) = system.connection();
        assert_eq!(client.send(b"answer"), Ok(6));
        client.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        drop(client);
        assert_eq!(served.read(), bytes("answer"));
        assert_eq!(served.read(), Err("ECONNRESET"));
        assert_eq!(served.read(), END);
        assert_eq!(served.send(b"x"), Err("EPIPE"));
    }

    // 2.4.12
    fn a_reset_behind_an_end_reads_as_the_end(system) {
        let (client, served) = system.connection();
        client.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        assert_eq!(client.shutdown(Shutdown::Write), Ok(()));
        drop(client);
        assert_eq!(served.read(), END);
    }

    // 2.4.13
    fn a_reset_after_our_own_end_is_told(system) {
        let (client, served) = system.connection();
        assert_eq!(served.shutdown(Shutdown::Write), Ok(()));
        client.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        drop(client);
        assert_eq!(served.read(), Err("ECONNRESET"));
    }
}
