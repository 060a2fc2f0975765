//! A protocol as its transport holds it: of whatever type, borrowed for one call at a time.
//!
//! Words that come while it is borrowed wait in a line and are said when the call is over.

use super::{Buffered, BufferedProtocol, DatagramProtocol, FlowControl, IntoProtocol, Protocol, Streaming};
use crate::addr::Address;
use crate::transports::{DatagramTransport, Transport};
use counterpoint_runtime::{Error, ErrorContext, Result};
use std::any::Any;
use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

/// A stream's protocol in its transport.
pub(crate) struct HeldProtocol {
    face: Face,
    any: Rc<dyn Any>,
    flow: Option<Rc<dyn FlowControl>>,
    waiting: RefCell<VecDeque<Word>>,
}

enum Face {
    Streaming(Rc<RefCell<dyn Protocol>>),
    Buffered(Rc<RefCell<dyn BufferedProtocol>>),
}

/// A datagram endpoint's protocol in its transport.
pub(crate) struct HeldDatagram {
    face: Rc<RefCell<dyn DatagramProtocol>>,
    any: Rc<dyn Any>,
    flow: Option<Rc<dyn FlowControl>>,
    waiting: RefCell<VecDeque<Word>>,
    errors: RefCell<VecDeque<io::Error>>,
}

/// What a transport may say in the midst of a call.
#[derive(Clone, Copy)]
enum Word {
    Pause,
    Resume,
}

/// How a read into a lent buffer went.
pub(crate) enum Read {
    /// So many bytes, and what the protocol said to them.
    Updated(Result<()>),
    /// The end of the stream.
    End,
    /// The call failed.
    Failed(io::Error),
    /// There was no buffer.
    NoBuffer(Error),
}

/// What a factory's product is turned into; only this library can read it.
pub struct Sealed(pub(crate) Rc<HeldProtocol>);

impl<P: Protocol> IntoProtocol<Streaming> for P {
    fn into_held(self) -> (Rc<RefCell<P>>, Sealed) {
        let protocol = Rc::new(RefCell::new(self));
        let flow = protocol.borrow().flow_control();
        let face = Face::Streaming(protocol.clone());
        let held = HeldProtocol { face, any: protocol.clone(), flow, waiting: RefCell::default() };
        (protocol, Sealed(Rc::new(held)))
    }
}

impl<P: BufferedProtocol> IntoProtocol<Buffered> for P {
    fn into_held(self) -> (Rc<RefCell<P>>, Sealed) {
        let protocol = Rc::new(RefCell::new(self));
        let flow = protocol.borrow().flow_control();
        let face = Face::Buffered(protocol.clone());
        let held = HeldProtocol { face, any: protocol.clone(), flow, waiting: RefCell::default() };
        (protocol, Sealed(Rc::new(held)))
    }
}

fn borrow<P: ?Sized>(protocol: &RefCell<P>) -> RefMut<'_, P> {
    protocol.try_borrow_mut().unwrap_or_else(|_| {
        panic!(
            "a protocol was called by its transport while the program borrowed it.\n\
             Give the borrow back before the next await."
        )
    })
}

macro_rules! call {
    ($self:ident, $protocol:ident => $call:expr) => {{
        let result = match &$self.face {
            Face::Streaming(face) => {
                let mut $protocol = borrow(face);
                $call
            }
            Face::Buffered(face) => {
                let mut $protocol = borrow(face);
                $call
            }
        };
        $self.say_what_waits();
        result
    }};
}

impl HeldProtocol {
    /// The protocol itself, if it is of this type.
    pub(crate) fn downcast<P: 'static>(&self) -> Option<Rc<RefCell<P>>> {
        Rc::clone(&self.any).downcast().ok()
    }

    pub(crate) fn is_buffered(&self) -> bool {
        matches!(self.face, Face::Buffered(_))
    }

    pub(crate) fn connection_made(&self, transport: &Transport) -> Result<()> {
        call!(self, protocol => protocol.connection_made(transport))
    }

    pub(crate) fn data_received(&self, data: &[u8]) -> Result<()> {
        let Face::Streaming(face) = &self.face else { unreachable!("a buffered protocol is given no data") };
        let result = borrow(face).data_received(data);
        self.say_what_waits();
        result
    }

    /// Reads into the buffer that the protocol lends.
    pub(crate) fn read_with(&self, receive: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> Read {
        let Face::Buffered(face) = &self.face else { unreachable!("only a buffered protocol has a buffer") };
        let read = {
            let mut protocol = borrow(face);
            let received = match protocol.get_buffer(None) {
                Ok([]) => Err(crate::errors::runtime_error("get_buffer() returned an empty buffer")),
                Ok(buffer) => Ok(receive(buffer)),
                Err(error) => Err(error),
            };
            match received {
                Ok(Ok(0)) => Read::End,
                Ok(Ok(count)) => Read::Updated(protocol.buffer_updated(count)),
                Ok(Err(error)) => Read::Failed(error),
                Err(error) => Read::NoBuffer(error),
            }
        };
        self.say_what_waits();
        read
    }

    pub(crate) fn eof_received(&self) -> Result<bool> {
        call!(self, protocol => protocol.eof_received())
    }

    pub(crate) fn connection_lost(&self, error: Option<&Error>) -> Result<()> {
        call!(self, protocol => protocol.connection_lost(error))
    }

    pub(crate) fn pause_writing(&self) {
        self.say(Word::Pause);
    }

    pub(crate) fn resume_writing(&self) {
        self.say(Word::Resume);
    }

    /// Says a word now, or once the protocol's running call is over.
    fn say(&self, word: Word) {
        macro_rules! say_to {
            ($face:ident) => {
                match $face.try_borrow_mut() {
                    Ok(mut protocol) => match word {
                        Word::Pause => protocol.pause_writing(),
                        Word::Resume => protocol.resume_writing(),
                    },
                    Err(_) => return self.waiting.borrow_mut().push_back(word),
                }
            };
        }
        let result = match (&self.flow, &self.face) {
            (Some(flow), _) => word.tell(&**flow),
            (None, Face::Streaming(face)) => say_to!(face),
            (None, Face::Buffered(face)) => say_to!(face),
        };
        word.report(result);
    }

    fn say_what_waits(&self) {
        loop {
            let Some(word) = self.waiting.borrow_mut().pop_front() else { return };
            self.say(word);
        }
    }
}

impl Word {
    fn tell(self, flow: &dyn FlowControl) -> Result<()> {
        match self {
            Word::Pause => flow.pause_writing(),
            Word::Resume => flow.resume_writing(),
        }
    }

    /// A failure of flow control ends nothing: the exception handler hears of it.
    fn report(self, result: Result<()>) {
        let Err(error) = result else { return };
        let message = match self {
            Word::Pause => "protocol.pause_writing() failed",
            Word::Resume => "protocol.resume_writing() failed",
        };
        crate::running::report(&ErrorContext::new(message).with_exception(error));
    }
}

impl HeldDatagram {
    pub(crate) fn new<P: DatagramProtocol>(protocol: P) -> (Rc<RefCell<P>>, Rc<HeldDatagram>) {
        let flow = protocol.flow_control();
        let protocol = Rc::new(RefCell::new(protocol));
        let (face, any) = (protocol.clone(), protocol.clone());
        let held = HeldDatagram { face, any, flow, waiting: RefCell::default(), errors: RefCell::default() };
        (protocol, Rc::new(held))
    }

    /// The protocol itself, if it is of this type.
    pub(crate) fn downcast<P: 'static>(&self) -> Option<Rc<RefCell<P>>> {
        Rc::clone(&self.any).downcast().ok()
    }

    pub(crate) fn connection_made(&self, transport: &DatagramTransport) -> Result<()> {
        self.call(|protocol| protocol.connection_made(transport))
    }

    pub(crate) fn datagram_received(&self, data: &[u8], source: &Address) -> Result<()> {
        self.call(|protocol| protocol.datagram_received(data, source))
    }

    pub(crate) fn connection_lost(&self, error: Option<&Error>) -> Result<()> {
        self.call(|protocol| protocol.connection_lost(error))
    }

    pub(crate) fn pause_writing(&self) {
        self.say(Word::Pause);
    }

    pub(crate) fn resume_writing(&self) {
        self.say(Word::Resume);
    }

    /// Tells of an error now, or once the protocol's running call is over; what it says to it then goes to the
    /// exception handler, since the call that met the error has returned.
    pub(crate) fn error_received(&self, error: io::Error) -> Result<()> {
        if let Some(flow) = &self.flow {
            return flow.error_received(&error);
        }
        match self.face.try_borrow_mut() {
            Ok(mut protocol) => protocol.error_received(&error),
            Err(_) => {
                self.errors.borrow_mut().push_back(error);
                Ok(())
            }
        }
    }

    fn call<R>(&self, f: impl FnOnce(&mut dyn DatagramProtocol) -> Result<R>) -> Result<R> {
        let result = f(&mut *borrow(&*self.face));
        loop {
            let Some(error) = self.errors.borrow_mut().pop_front() else { break };
            if let Err(error) = self.error_received(error) {
                let context = ErrorContext::new("Exception in callback DatagramProtocol.error_received()");
                crate::running::report(&context.with_exception(error));
            }
        }
        loop {
            let Some(word) = self.waiting.borrow_mut().pop_front() else { break };
            self.say(word);
        }
        result
    }

    fn say(&self, word: Word) {
        let result = match (&self.flow, self.face.try_borrow_mut()) {
            (Some(flow), _) => word.tell(&**flow),
            (None, Ok(mut protocol)) => match word {
                Word::Pause => protocol.pause_writing(),
                Word::Resume => protocol.resume_writing(),
            },
            (None, Err(_)) => return self.waiting.borrow_mut().push_back(word),
        };
        word.report(result);
    }
}
