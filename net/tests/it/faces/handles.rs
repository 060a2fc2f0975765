//! What every handle can be used for, as the compiler sees it.

use counterpoint_net::{
    DatagramTransport, EventLoopExt, Server, StreamReader, StreamWriter, Transport, open_connection,
    start_server,
};
use counterpoint_runtime::{EventLoop, Result};

fn is_send_and_sync<T: Send + Sync>() {}

fn is_send<T: Send>(_: T) {}

#[test]
fn handles_are_send_and_sync() {
    is_send_and_sync::<Transport>();
    is_send_and_sync::<DatagramTransport>();
    is_send_and_sync::<StreamReader>();
    is_send_and_sync::<StreamWriter>();
    is_send_and_sync::<Server>();
}

#[test]
fn coroutines_of_streams_are_send() {
    is_send(async {
        let (reader, writer) = open_connection("127.0.0.1", 80).limit(1).await?;
        writer.write(b"x")?;
        writer.drain().await?;
        reader.read(1).await?;
        reader.readexactly(1).await?;
        reader.readline().await?;
        reader.readuntil(b"\r\n").await?;
        reader.readuntil_any(["\r", "\n"]).await?;
        reader.next_line().await?;
        reader.read_to_end().await?;
        writer.close();
        writer.wait_closed().await
    });
}

#[test]
fn a_server_takes_handlers_and_callbacks() {
    async fn handler(_: StreamReader, _: StreamWriter) -> Result<u32> {
        Ok(1)
    }
    fn callback(_: StreamReader, _: StreamWriter) {}
    fn fallible(_: StreamReader, _: StreamWriter) -> Result<()> {
        Ok(())
    }
    drop(start_server(handler, "127.0.0.1", 1));
    drop(start_server(callback, ["127.0.0.1", "::1"], 1));
    drop(start_server(fallible, None, 1));
    drop(start_server(|_, _| async { Ok(()) }, "", 1).backlog(1));
    drop(start_server(async |_: StreamReader, _: StreamWriter| Ok(()), "", 1).start_serving(false));
}

#[test]
fn a_factory_makes_either_kind_of_protocol() {
    struct Plain;
    impl counterpoint_net::Protocol for Plain {}
    struct Lending(Vec<u8>);
    impl counterpoint_net::BufferedProtocol for Lending {
        fn get_buffer(&mut self, _: Option<usize>) -> Result<&mut [u8]> {
            Ok(&mut self.0)
        }
        fn buffer_updated(&mut self, _: usize) -> Result<()> {
            Ok(())
        }
    }
    let event_loop = EventLoop::new();
    drop(event_loop.create_connection(|| Plain, "127.0.0.1", 1));
    drop(event_loop.create_connection(|| Lending(vec![0; 8]), "127.0.0.1", 1));
    drop(event_loop.create_server(|| Plain, "127.0.0.1", 1));
}
