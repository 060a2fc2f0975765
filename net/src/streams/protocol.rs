//! `StreamReaderProtocol`: between a transport and the two ends of a stream.

use super::reader::{Core, StreamReader};
use super::stream_waits::Waits;
use super::writer::StreamWriter;
use crate::protocols::{FlowControl, Protocol};
use crate::registry::told;
use crate::running;
use crate::transports::Transport;
use counterpoint_runtime::kernel::LoopOwned;
use counterpoint_runtime::schedule::Touch;
use counterpoint_runtime::{AnyTask, Error, ErrorContext, Future, ObjectKind, Result};
use std::cell::Cell;
use std::rc::{Rc, Weak};

/// What a server does with a new stream: makes a task of it, or not.
pub(super) type Connected = Rc<dyn Fn(StreamReader, StreamWriter) -> Result<Option<AnyTask>>>;

/// Feeds a reader from a transport (`asyncio.StreamReaderProtocol`): for streams over what the program makes itself, with
/// [`StreamWriter::new`].
///
/// # Source
/// CPython 3.13, `Lib/asyncio/streams.py`, `StreamReaderProtocol`.
pub struct StreamReaderProtocol {
    /// Nobody is fed once nobody holds the reader.
    reader: Weak<Core>,
    /// Until the callback has it.
    held: Option<(StreamReader, Connected)>,
    flow: LoopOwned<Flow>,
    told: Rc<Flow>,
}

/// What a writer waits for (`FlowControlMixin`).
pub(super) struct Flow {
    paused: Cell<bool>,
    pub(super) lost: Cell<bool>,
    pub(super) drains: Waits,
    /// Set when the connection is lost. All who wait share it: as in CPython, one who is cancelled cancels them all.
    pub(super) closed: Future<()>,
}

impl StreamReaderProtocol {
    /// Makes one that feeds `reader`.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new(reader: &StreamReader) -> StreamReaderProtocol {
        let flow = Flow {
            paused: Cell::new(false),
            lost: Cell::new(false),
            drains: Waits::new(),
            closed: Future::new(),
        };
        flow.drains.set_name("StreamWriter");
        let flow = LoopOwned::new(ObjectKind::Stream, flow);
        let told = flow.get().expect("it was made just now");
        let reader = reader.core().map_or_else(|_| Weak::new(), |core| Rc::downgrade(&core));
        StreamReaderProtocol { reader, held: None, flow, told }
    }

    /// Makes one that feeds `reader` and hands it to `connected` when the connection is up.
    pub(super) fn with_callback(reader: StreamReader, connected: Connected) -> StreamReaderProtocol {
        let protocol = StreamReaderProtocol::new(&reader);
        StreamReaderProtocol { held: Some((reader, connected)), ..protocol }
    }

    /// What the writer needs of it.
    pub(super) fn flow(&self) -> LoopOwned<Flow> {
        self.flow.clone()
    }
}

impl Protocol for StreamReaderProtocol {
    fn connection_made(&mut self, transport: &Transport) -> Result<()> {
        if let Some(peer) = transport.peername() {
            self.told.drains.set_name(format!("StreamWriter {}", told(&peer)));
        }
        if let Some(reader) = self.reader.upgrade() {
            reader.set_transport(transport);
        }
        let Some((reader, connected)) = self.held.take() else { return Ok(()) };
        let writer = StreamWriter::over(transport, self.flow.clone(), Some(reader.clone()));
        if let Some(task) = connected(reader, writer)? {
            let transport = transport.clone();
            task.add_done_callback(move |task| handler_done(&task, &transport));
        }
        Ok(())
    }

    fn data_received(&mut self, data: &[u8]) -> Result<()> {
        self.reader.upgrade().map_or(Ok(()), |reader| reader.feed_data(data))
    }

    fn eof_received(&mut self) -> Result<bool> {
        if let Some(reader) = self.reader.upgrade() {
            reader.feed_eof();
        }
        Ok(true)
    }

    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        if let Some(reader) = self.reader.upgrade() {
            match error {
                None => reader.feed_eof(),
                Some(error) => reader.set_exception(error.clone()),
            }
        }
        self.reader = Weak::new();
        self.told.lose(error);
        Ok(())
    }

    fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
        Some(self.told.clone())
    }
}

/// The task of a connection has ended.
fn handler_done(task: &AnyTask, transport: &Transport) {
    let error = match task.exception() {
        Err(_) => return transport.close(), // cancelled
        Ok(None) => return,
        Ok(Some(error)) => error,
    };
    running::report(&ErrorContext::new("Unhandled exception in client_connected_cb").with_exception(error));
    transport.close();
}

impl Flow {
    /// `connection_lost`, as the writer's waits see it.
    fn lose(&self, error: Option<&Error>) {
        if !self.closed.done() {
            match error {
                None => drop(self.closed.set_result(())),
                Some(error) => {
                    let _ = self.closed.set_exception(error.clone());
                    let _ = self.closed.exception(); // one that nobody waits for is not reported
                }
            }
        }
        self.drains.touch(Touch::Write);
        self.lost.set(true);
        if self.paused.get() {
            self.drains.settle_all(&error.cloned().map_or(Ok(()), Err));
        }
    }

    /// Is there nothing to wait for before the next write?
    pub(super) fn is_open(&self) -> bool {
        !self.paused.get()
    }
}

impl FlowControl for Flow {
    fn pause_writing(&self) -> Result<()> {
        self.drains.touch(Touch::Write);
        self.paused.set(true);
        Ok(())
    }

    fn resume_writing(&self) -> Result<()> {
        self.drains.touch(Touch::Write);
        self.paused.set(false);
        self.drains.settle_all(&Ok(()));
        Ok(())
    }
}
