//! A deadlock says who waits for what of the network.

use counterpoint_net::{TcpListener, TcpStream};
use counterpoint_runtime::{TaskBuilder, run};

#[test]
fn a_deadlock_names_the_other_end() {
    let ended = run(async {
        let listener = TcpListener::bind("127.0.0.1:7000").await?;
        let client = TcpStream::connect("127.0.0.1:7000").await?;
        let (served, _) = listener.accept().await?;
        let reader =
            TaskBuilder::new().name("reader").create_task(async move { client.read(&mut [0; 10]).await });
        let acceptor = TaskBuilder::new().name("acceptor").create_task(async move {
            listener.accept().await?;
            Ok(())
        });
        reader.await?;
        drop(served);
        acceptor.await
    });
    let text = ended.unwrap_err().to_string();
    assert!(text.contains("to 127.0.0.1:7000"), "{text}");
    assert!(text.contains("listening at 127.0.0.1:7000"), "{text}");
    assert!(text.contains("faces/reports.rs"), "{text}");
}
