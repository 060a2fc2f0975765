//! Rows 4.1, 4.2: names of Unix sockets, and who listens at them.

use super::rows;
use super::system::{Answer, Calls, END, System, bytes};
use counterpoint_net::{Address, Family, SocketType, UnixAddress};

fn listening<S: System>(system: &S, backlog: u32) -> (S::Socket, Address) {
    let at = system.path("listener");
    let listener = system.unix();
    listener.bind(&at).unwrap();
    listener.listen(backlog).unwrap();
    (listener, at)
}

fn abstract_name() -> Address {
    Address::Unix(UnixAddress::Abstract(format!("counterpoint-{}", std::process::id()).into_bytes()))
}

rows! {
    // 4.1.1, 4.1.2, 4.1.3, 4.1.12
    fn a_file_stays_when_its_socket_goes(system) {
        let (listener, at) = listening(system, 1);
        assert_eq!(system.unix().bind(&at), Err("EADDRINUSE"));
        drop(listener);
        assert_eq!(system.unix().bind(&at), Err("EADDRINUSE"));
        assert_eq!(system.unix().connect(&at), Err("ECONNREFUSED"));
        assert_eq!(system.unlink(&at), Ok(()));
        assert_eq!(system.unix().connect(&at), Err("ENOENT"));
        assert_eq!(system.unix().bind(&at), Ok(()));
    }

    // 4.1.4
    fn a_name_without_a_file_is_not_found(system) {
        assert_eq!(system.unix().connect(&system.path("nobody")), Err("ENOENT"));
        assert_eq!(system.unlink(&system.path("nobody")), Err("ENOENT"));
    }

    // 4.1.7
    fn who_is_bound_but_does_not_listen_refuses_here_too(system) {
        let at = system.path("bound");
        let bound = system.unix();
        bound.bind(&at).unwrap();
        assert_eq!(system.unix().connect(&at), Err("ECONNREFUSED"));
    }

    // 4.1.8
    fn a_socket_of_another_type_is_the_wrong_one(system) {
        let (_listener, at) = listening(system, 1);
        assert_eq!(system.socket(Family::Unix, SocketType::Datagram).connect(&at), Err("EPROTOTYPE"));
        let messages = system.path("messages");
        let receiver = system.socket(Family::Unix, SocketType::Datagram);
        receiver.bind(&messages).unwrap();
        assert_eq!(system.unix().connect(&messages), Err("EPROTOTYPE"));
    }

    // 4.1.12
    fn a_connection_outlives_its_file(system) {
        let (listener, at) = listening(system, 1);
        let client = system.unix();
        client.connect(&at).unwrap();
        system.unlink(&at).unwrap();
        assert_eq!(client.send(b"x"), Ok(1));
        assert_eq!(listener.accept().unwrap().0.read(), bytes("x"));
        assert_eq!(system.unix().connect(&at), Err("ENOENT"));
    }

    // 4.1.13, 4.1.14
    fn an_abstract_name_is_free_when_its_socket_goes(system) {
        let name = abstract_name();
        assert_eq!(system.unix().connect(&name), Err("ECONNREFUSED"));
        let holder = system.unix();
        assert_eq!(holder.bind(&name), Ok(()));
        assert_eq!(system.unix().bind(&name), Err("EADDRINUSE"));
        drop(holder);
        assert_eq!(system.unix().bind(&name), Ok(()));
    }

    // 4.1.15
    fn who_binds_no_name_gets_an_abstract_one(system) {
        let socket = system.unix();
        assert_eq!(socket.bind(&Address::Unix(UnixAddress::Unnamed)), Ok(()));
        let Ok(Address::Unix(UnixAddress::Abstract(name))) = socket.local() else { panic!("no abstract name") };
        assert_eq!(name.len(), 5);
    }

    // 4.1.16
    fn a_listener_needs_a_name(system) {
        assert_eq!(system.unix().listen(1), Err("EINVAL"));
        let socket = system.unix();
        assert_eq!(socket.accept().err(), Some("EINVAL"));
        socket.bind(&system.path("one")).unwrap();
        assert_eq!(socket.bind(&system.path("two")), Err("EINVAL"));
    }

    // 4.1.17
    fn a_client_has_no_name(system) {
        let (listener, at) = listening(system, 1);
        let client = system.unix();
        client.connect(&at).unwrap();
        let unnamed: Answer<Address> = Ok(Address::Unix(UnixAddress::Unnamed));
        assert_eq!(client.local(), unnamed);
        assert_eq!(client.peer(), Ok(at.clone()));
        let (served, from) = listener.accept().unwrap();
        assert_eq!(Ok(from), unnamed);
        assert_eq!((served.peer(), served.local()), (unnamed, Ok(at)));
    }

    // 4.2.1, 4.2.2
    fn one_more_than_the_backlog_of_a_unix_listener_may_wait(system) {
        let (_listener, at) = listening(system, 1);
        let clients = [system.unix(), system.unix(), system.unix()];
        assert_eq!((clients[0].connect(&at), clients[1].connect(&at)), (Ok(()), Ok(())));
        assert_eq!(clients[2].connect(&at), Err("EAGAIN"));
        assert_eq!(clients[2].epoll(), "OUT+HUP");
    }

    // 4.2.6, 4.2.7, 4.2.8
    fn who_connected_may_write_and_go_before_it_is_accepted(system) {
        let (listener, at) = listening(system, 1);
        let client = system.unix();
        assert_eq!(client.connect(&at), Ok(()));
        assert_eq!(client.connect(&at), Err("EISCONN"));
        assert_eq!(client.send(b"x"), Ok(1));
        drop(client);
        let (served, _) = listener.accept().unwrap();
        assert_eq!(served.epoll(), "IN+OUT+HUP+RDHUP");
        assert_eq!((served.read(), served.read()), (bytes("x"), END));
    }

    // 4.2.9
    fn a_unix_listener_that_closes_resets_who_waits(system) {
        let (listener, at) = listening(system, 1);
        let client = system.unix();
        client.connect(&at).unwrap();
        drop(listener);
        assert_eq!(client.send(b"x"), Err("EPIPE"));
        assert_eq!(client.read(), Err("ECONNRESET"));
    }
}
