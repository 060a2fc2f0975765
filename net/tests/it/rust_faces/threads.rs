//! Loops that are threads of one program stand on one machine.

use counterpoint_net::{TcpListener, TcpStream};
use counterpoint_runtime::{EventLoop, Result, sleep};
use std::time::Duration;

#[test]
fn a_thread_of_the_program_reaches_what_another_one_listens_at() -> Result<()> {
    let (main, thread) = (EventLoop::new(), EventLoop::builder().number(1).name("thread").build());
    thread.run_in_thread()?;
    thread.create_task(async {
        let (stream, _) = TcpListener::bind("127.0.0.1:80").await?.accept().await?;
        stream.write_all(b"hello").await
    });
    main.run_until_complete(async {
        sleep(Duration::from_millis(1)).await?; // it listens by then
        let stream = TcpStream::connect("127.0.0.1:80").await?;
        let mut buffer = [0; 5];
        stream.read_exact(&mut buffer).await?;
        assert_eq!(&buffer, b"hello");
        Ok(())
    })
}
