//! Calls over TCP: a line there, a line back.
//!
//! All that the programs on hosts share of a protocol. [`serve`] is the server's side, [`Connection`] the client's.

use counterpoint as asyncio;

use asyncio::{StreamReader, StreamWriter, open_connection, start_server};
use std::future::Future;
use std::io;
use std::rc::Rc;

/// One end of a connection on which both speak in lines.
pub(crate) struct Connection {
    reader: StreamReader,
    writer: StreamWriter,
}

impl Connection {
    /// Connects to a server.
    pub(crate) async fn open(host: &str, port: u16) -> asyncio::Result<Connection> {
        let (reader, writer) = open_connection(host, port).await?;
        Ok(Connection { reader, writer })
    }

    /// Sends a line.
    pub(crate) async fn send(&self, line: &str) -> asyncio::Result<()> {
        asyncio::trace::log(format!("sends `{line}`"));
        self.writer.write(format!("{line}\n"))?;
        self.writer.drain().await
    }

    /// The next line; none once the peer has closed the connection, or gave it up.
    pub(crate) async fn receive(&self) -> asyncio::Result<Option<String>> {
        match self.reader.next_line().await {
            Ok(line) => Ok(line.map(|line| String::from_utf8_lossy(&line).trim_end().to_owned())),
            Err(error) if is_reset(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a line, and waits for the one that answers it.
    pub(crate) async fn call(&self, line: &str) -> asyncio::Result<String> {
        self.send(line).await?;
        let answer = self.receive().await?;
        answer.ok_or_else(|| asyncio::Error::msg(format!("the server hung up instead of answering `{line}`")))
    }
}

/// Answers the lines of every client, for ever: each with what `answer` makes of it.
pub(crate) async fn serve<F, Fut>(port: u16, answer: F) -> asyncio::Result<()>
where
    F: Fn(String) -> Fut + 'static,
    Fut: Future<Output = asyncio::Result<String>> + 'static,
{
    let answer = Rc::new(answer);
    let client = move |reader: StreamReader, writer: StreamWriter| {
        let (answer, connection) = (answer.clone(), Connection { reader, writer });
        async move {
            while let Some(line) = connection.receive().await? {
                let line = answer(line).await?;
                connection.send(&line).await?;
            }
            Ok(())
        }
    };
    start_server(client, None, port).await?.serve_forever().await
}

fn is_reset(error: &asyncio::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
}
