//! The methods that UDP sockets and Unix datagram sockets have in common.

/// The methods of what sends and receives whole messages; `self.socket` is its [`Socket`](crate::Socket).
macro_rules! datagram_methods {
    () => {
        /// Sends a datagram to whom it is connected to.
        ///
        /// # Cancellation
        /// It was not sent.
        ///
        /// # Errors
        /// `Cancelled`; [`std::io::Error`]s: without a connection, if it is too long, word of a datagram before.
        #[track_caller]
        pub fn send<'a>(&'a self, data: &'a [u8]) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
            call(&self.socket, Want::WRITE, move |socket| socket.send(data))
        }

        /// Waits for a datagram: its length. What does not fit the buffer is gone.
        ///
        /// # Cancellation
        /// No datagram was taken. The same holds if the future is dropped halfway.
        ///
        /// # Errors
        /// `Cancelled`; word of a datagram that was sent before, as [`std::io::Error`].
        #[track_caller]
        pub fn recv<'a>(
            &'a self,
            buffer: &'a mut [u8],
        ) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
            call(&self.socket, Want::READ, move |socket| socket.receive(buffer))
        }

        /// Waits until a datagram is there, or word of one.
        ///
        /// # Errors
        /// `Cancelled`.
        #[track_caller]
        pub fn readable(&self) -> impl Future<Output = Result<()>> + Send + Sync + '_ {
            waiting::ready(&self.socket, Want::READ)
        }

        /// Waits until a datagram can be sent.
        ///
        /// # Errors
        /// `Cancelled`.
        #[track_caller]
        pub fn writable(&self) -> impl Future<Output = Result<()>> + Send + Sync + '_ {
            waiting::ready(&self.socket, Want::WRITE)
        }

        /// Sends a datagram, without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if there is no room; otherwise as [`send`](Self::send).
        #[track_caller]
        pub fn try_send(&self, data: &[u8]) -> io::Result<usize> {
            self.socket.send(data)
        }

        /// Takes a datagram, without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if there is none; otherwise as [`recv`](Self::recv).
        #[track_caller]
        pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
            self.socket.receive(buffer)
        }

        /// Takes the error that came with word of a datagram, if no call has told it yet.
        ///
        /// # Errors
        /// `EBADF` if its loop is closed.
        #[track_caller]
        pub fn take_error(&self) -> io::Result<Option<io::Error>> {
            self.socket.take_error()
        }

        /// The socket, for the calls that do not wait.
        pub fn as_socket(&self) -> &Socket {
            &self.socket
        }
    };
}

pub(crate) use datagram_methods;
